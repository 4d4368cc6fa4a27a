"""The self-check: what an account can really do, against what the project declares.

It asks PostgreSQL for effective rights (through PUBLIC, memberships and ownership as well), not for the grants
somebody once wrote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from psycopg import Connection, sql

from allotment.databases._declared import CONNECTION_LIMIT, Rule, Table
from allotment.databases._difference import Difference
from allotment.databases.postgres._check_claims import claim_differences
from allotment.databases.postgres._hardening import (
    catalog_statements,
    open_catalogs_query,
    open_defaults_query,
    open_functions_query,
    public_statements,
)
from allotment.databases.postgres._reach import Reached, reached
from allotment.databases.postgres._relations import find_relation
from allotment.databases.postgres._statements import (
    Secrets,
    creators,
    declared_mark,
    is_superuser,
    policy_statements,
    role_settings,
)

Admin = Connection[tuple[Any, ...]]

_ATTRIBUTES = {
    "rolcanlogin": ("LOGIN", True),
    "rolsuper": ("SUPERUSER", False),
    "rolbypassrls": ("BYPASSRLS", False),
    "rolcreaterole": ("CREATEROLE", False),
    "rolcreatedb": ("CREATEDB", False),
    "rolreplication": ("REPLICATION", False),
    "rolinherit": ("INHERIT", False),
}


def differences(admin: Admin, database: str, rules: list[Rule], secrets: Mapping[str, Secrets]) -> list[Difference]:
    """Everything in one database that is not as declared, in a stable order; ``secrets`` has every account's."""
    found: list[Difference] = list(_public_rights(admin, database))
    accounts = sorted({rule.account for rule in rules})
    declared = {name: {rule.table: rule for rule in rules if rule.account == name} for name in accounts}
    within_reach = reached(admin, {name: mine.keys() for name, mine in declared.items()})
    for account, mine in declared.items():
        own = list(_role(admin, account, database))
        if not any(difference.found == "no such role" for difference in own):
            own += _rights(admin, account, database, mine, within_reach[account])
        found += [replace(difference, account=account) for difference in own]
    claiming = sorted({rule.account for rule in rules if rule.grant.claims})
    found += claim_differences(admin, {account: secrets[account].claims for account in claiming})
    return found


def _public_rights(admin: Admin, database: str) -> Iterator[Difference]:
    database_public = "SELECT FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a"
    opened = admin.execute(f"{database_public} WHERE d.datname = %s AND a.grantee = 0", [database]).rowcount
    if opened:
        mending = public_statements(database, [], [])[0].as_string()
        yield Difference(f"{database}: PUBLIC", "no right on the database", f"{opened} rights", mending)
    makers = creators(admin)
    later = admin.execute(open_defaults_query(), [makers]).fetchall()
    for maker, kind in later:
        mending = (
            f"ALTER DEFAULT PRIVILEGES FOR ROLE {sql.Identifier(maker).as_string()} REVOKE ALL ON {kind} FROM PUBLIC"
        )
        yield Difference(f"{database}: PUBLIC", f"no right on {kind} {maker} makes later", "a right", mending)
    if not is_superuser(admin):
        return
    for query, what, index in ((open_functions_query(), "functions", 0), (open_catalogs_query(), "catalogs", 1)):
        row = admin.execute(query).fetchone()
        if row and row[0]:
            mending = catalog_statements()[index].as_string()
            yield Difference(f"{database}: PUBLIC", f"no forbidden system {what}", f"{row[0]} open", mending)
    languages = "SELECT lanname::text FROM pg_language l, aclexplode(coalesce(l.lanacl, acldefault('l', l.lanowner))) a"
    for (language,) in admin.execute(f"{languages} WHERE l.lanpltrusted AND a.grantee = 0 ORDER BY 1").fetchall():
        mending = f"REVOKE ALL ON LANGUAGE {sql.Identifier(language).as_string()} FROM PUBLIC"
        yield Difference(f"{database}: PUBLIC", f"no code in {language}", "may write some", mending)


def _role(admin: Admin, account: str, database: str) -> Iterator[Difference]:
    name = sql.Identifier(account).as_string()
    select = sql.SQL(", ").join(sql.Identifier(column) for column in _ATTRIBUTES)
    row = admin.execute(
        sql.SQL("SELECT rolconnlimit, {} FROM pg_roles WHERE rolname = %s").format(select), [account]
    ).fetchone()
    if row is None:
        yield Difference(f"{account}: role", "a login role", "no such role", f"CREATE ROLE {name} LOGIN")
        return
    if row[0] != CONNECTION_LIMIT:
        mending = f"ALTER ROLE {name} CONNECTION LIMIT {CONNECTION_LIMIT}"
        yield Difference(f"{account}: role", f"CONNECTION LIMIT {CONNECTION_LIMIT}", str(row[0]), mending)
    for (word, wanted), value in zip(_ATTRIBUTES.values(), row[1:], strict=True):
        if value is not wanted:
            expected, actual = (word, f"NO{word}") if wanted else (f"NO{word}", word)
            yield Difference(f"{account}: role", expected, actual, f"ALTER ROLE {name} {expected}")
    yield from _belongings(admin, account, name)
    yield from _settings(admin, account, name, database)


def _belongings(admin: Admin, account: str, name: str) -> Iterator[Difference]:
    groups = admin.execute(
        "SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        " JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s ORDER BY 1",
        [account],
    ).fetchall()
    for (group,) in groups:
        mending = f"REVOKE {sql.Identifier(group).as_string()} FROM {name}"
        yield Difference(f"{account}: membership", "none", str(group), mending)
    owned = admin.execute(
        "SELECT FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid"
        " WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND r.rolname = %s",
        [account],
    ).rowcount
    if owned:
        yield Difference(
            f"{account}: owner", "owns nothing", f"{owned} objects", f"REASSIGN OWNED BY {name} TO CURRENT_USER"
        )


def _settings(admin: Admin, account: str, name: str, database: str) -> Iterator[Difference]:
    rows = admin.execute(
        "SELECT s.setconfig, coalesce(d.datname::text, '') FROM pg_db_role_setting s"
        " JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase WHERE r.rolname = %s",
        [account],
    ).fetchall()
    own = {item for config, where in rows if where == "" for item in config}
    wanted = {f"{key}={value}" for key, value in role_settings(is_superuser(admin)).items()}
    if own != wanted:
        expected, actual = ", ".join(sorted(wanted - own)), ", ".join(sorted(own - wanted))
        mending = f"ALTER ROLE {name} RESET ALL"
        yield Difference(f"{account}: settings", expected or "no others", actual or "none", mending)
    if any(where == database for _, where in rows):
        mending = f"ALTER ROLE {name} IN DATABASE {sql.Identifier(database).as_string()} RESET ALL"
        yield Difference(f"{account}: settings", f"none in {database}", "some", mending)


def _rights(
    admin: Admin, account: str, database: str, mine: dict[Table, Rule], relations: list[Reached]
) -> Iterator[Difference]:
    yield from _other_rights(admin, account, database)
    there = {relation.table for relation in relations}
    for table in sorted(set(mine) - there):
        yield Difference(f"{account}: {table}", "a table", "no such table", "")
    for relation in relations:
        table = relation.table
        rule = mine.get(table)
        rights = list(_relation(account, relation, rule))
        yield from rights
        if rule is None and not rights:
            continue
        if relation.kind == "v":
            if not relation.is_invoker:
                mending = f"ALTER VIEW {table.identifier.as_string()} SET (security_invoker = true)"
                yield Difference(f"{account}: {table}", "a view with its reader's rights", "its owner's", mending)
            continue
        if not relation.row_security and relation.kind in "rp":
            mending = f"ALTER TABLE {table.identifier.as_string()} ENABLE ROW LEVEL SECURITY"
            yield Difference(f"{account}: {table}", "row level security on", "off", mending)
        yield from _policies(admin, account, relation, rule)


def _relation(account: str, relation: Reached, rule: Rule | None) -> Iterator[Difference]:
    table = relation.table
    target, role = table.identifier.as_string(), sql.Identifier(account).as_string()
    if relation.kind == "S":
        if relation.rights:
            mending = f"REVOKE ALL ON {target} FROM {role}, PUBLIC"
            yield Difference(f"{account}: {table}", "no right", "sequence", mending)
        return
    wanted = set(rule.grant.columns) if rule else set()
    quote = sql.Identifier
    for column in sorted(relation.columns - wanted):
        mending = f"REVOKE SELECT ({quote(column).as_string()}) ON {target} FROM {role}, PUBLIC"  # noqa: S608 - shown
        yield Difference(f"{account}: {table}.{column}", "not readable", "readable", mending)
    for column in sorted(wanted - relation.columns):
        mending = f"GRANT SELECT ({quote(column).as_string()}) ON {target} TO {role}"
        yield Difference(f"{account}: {table}.{column}", "readable", "not readable", mending)
    for right in relation.rights:
        shown = "SELECT on the whole table, system columns with it" if right == "SELECT" else right
        mending = f"REVOKE {right} ON {target} FROM {role}, PUBLIC"
        yield Difference(f"{account}: {table}", "only SELECT on columns", shown, mending)


def _other_rights(admin: Admin, account: str, database: str) -> Iterator[Difference]:
    role, place = sql.Identifier(account).as_string(), sql.Identifier(database).as_string()
    for right, wanted in (("CONNECT", True), ("CREATE", False), ("TEMPORARY", False)):
        row = admin.execute("SELECT has_database_privilege(%s::name, %s, %s)", [account, database, right]).fetchone()
        if row and row[0] is not wanted:
            words = ("GRANT", "TO") if wanted else ("REVOKE", "FROM")
            mending = f"{words[0]} {right} ON DATABASE {place} {words[1]} {role}"
            yield Difference(f"{account}: database {database}", f"{right}: {wanted}", str(row[0]), mending)
    schemas = admin.execute(
        "SELECT nspname::text FROM pg_namespace WHERE has_schema_privilege(%s::name, oid, 'CREATE')", [account]
    ).fetchall()
    for (schema,) in schemas:
        mending = f"REVOKE CREATE ON SCHEMA {sql.Identifier(schema).as_string()} FROM {role}, PUBLIC"
        yield Difference(f"{account}: schema {schema}", "no CREATE", "CREATE", mending)
    routines = admin.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
        " WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
        " AND has_function_privilege(%s::name, p.oid, 'EXECUTE') AND has_schema_privilege(%s::name, n.oid, 'USAGE')",
        [account, account],
    ).fetchall()
    for (routine,) in routines:
        mending = f"REVOKE EXECUTE ON ROUTINE {routine} FROM {role}, PUBLIC"
        yield Difference(f"{account}: {routine}", "not callable", "callable", mending)


def _policies(admin: Admin, account: str, relation: Reached, rule: Rule | None) -> Iterator[Difference]:
    table = relation.table
    target = table.identifier.as_string()
    missing = {rule.policy: True, rule.filter_policy: False} if rule else {}
    for policy in relation.policies:
        expected = f"{declared_mark(rule)} {policy.condition}" if rule else None
        is_declared = missing.get(policy.name) is policy.permissive and policy.seal == expected
        if is_declared and not policy.for_all and policy.command == "r":
            del missing[policy.name]
            continue
        # A restrictive policy of somebody else only takes rows away.
        if policy.permissive or (rule and policy.name in (rule.policy, rule.filter_policy)):
            drop = f"DROP POLICY {sql.Identifier(policy.name).as_string()} ON {target}"
            yield Difference(f"{account}: {table}", "only the declared row policies", f"policy {policy.name}", drop)
    if rule and missing:
        there = find_relation(admin, table)
        # Who drops a column with CASCADE drops the filter on it too; then there is nothing to mend it with.
        can_be = there is not None and rule.grant.rows.keys() <= there.types.keys()
        for name in missing:
            mending = policy_statements(rule, there.types)[name].as_string() if there and can_be else ""
            yield Difference(f"{account}: {table}", f"row policy {name}", "none like it", mending)
