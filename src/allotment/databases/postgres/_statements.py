"""The SQL that makes one database what the project declares: roles, grants, row policies.

Nothing here is run. Every statement says what shall be, whatever was before, so running them again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from allotment.databases._declared import (
    CONNECTION_LIMIT,
    SETTINGS,
    SUPERUSER_SETTINGS,
    Rule,
    Sql,
    Table,
)
from allotment.databases.postgres._claims import claim_statements
from allotment.databases.postgres._hardening import catalog_statements, public_statements
from allotment.databases.postgres._reach import reached
from allotment.databases.postgres._relations import Relation
from allotment.workspace import hash_text

ROLE_COMMENT = "allotment: service account"
"""Tells a role this project made from one that was there before."""


@dataclass(frozen=True)
class Statement:
    """One statement, and the same without what must not be shown."""

    sql: Sql
    hidden: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The text for people: a password's verifier and keys are left out."""
        text = self.sql.as_string()
        for part in self.hidden:
            text = text.replace(part, "...")
        return text


def user_schemas(admin: Connection[tuple[Any, ...]]) -> list[str]:
    """Schemas of the database that are not PostgreSQL's own."""
    rows = admin.execute(
        "SELECT nspname::text FROM pg_namespace"
        " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname"
    ).fetchall()
    return [row[0] for row in rows]


def is_superuser(admin: Connection[tuple[Any, ...]]) -> bool:
    """Whether this connection may do everything."""
    return admin.info.parameter_status("is_superuser") == "on"


def scram_verifier(admin: Connection[tuple[Any, ...]], account: str, password: str) -> str:
    """What the server keeps in place of a password: it never sees the password, so no log or view of it can hold it."""
    return admin.pgconn.encrypt_password(password.encode(), account.encode(), b"scram-sha-256").decode()


@dataclass(frozen=True)
class Secrets:
    """What an account's login and its claims are made with."""

    password: str
    claims: str
    """The project's secret that its users' claims are signed with."""


def statements_for(
    admin: Connection[tuple[Any, ...]],
    database: str,
    rules: list[Rule],
    secrets: Mapping[str, Secrets],
    relations: Mapping[Table, Relation],
) -> list[Statement]:
    """All statements for one database.

    Args:
        admin: the owner's connection; it only looks.
        database: its name.
        rules: what is declared.
        secrets: of each account.
        relations: kind and column types of each declared table and view.
    """
    superuser = is_superuser(admin)
    schemas = user_schemas(admin)
    accounts = sorted({rule.account for rule in rules})
    found = [Statement(item) for item in public_statements(database, schemas, creators(admin))]
    if superuser:
        found += [Statement(item) for item in catalog_statements()]
    for account in accounts:
        found += _role(admin, database, account, scram_verifier(admin, account, secrets[account].password), superuser)
        found += [Statement(item) for item in _reset(admin, account, schemas)]
        grant = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
        found.append(Statement(grant.format(sql.Identifier(database), sql.Identifier(account))))
    claiming = {rule.account for rule in rules if rule.grant.claims}
    found += [Statement(*item) for item in claim_statements({name: secrets[name].claims for name in claiming})]
    found += [Statement(item) for item in _policies_to_drop(admin, rules)]
    for rule in rules:
        found += [Statement(item) for item in _table(rule, relations[rule.table])]
    return found


def creators(admin: Connection[tuple[Any, ...]]) -> list[str]:
    """Roles that own anything in the database, as far as this connection may speak for them."""
    rows = admin.execute(
        "SELECT rolname::text FROM pg_roles WHERE pg_has_role(oid, 'MEMBER') AND rolname !~ '^pg_' AND (rolname ="
        " current_user OR oid IN (SELECT relowner FROM pg_class UNION SELECT proowner FROM pg_proc UNION"
        " SELECT nspowner FROM pg_namespace)) ORDER BY 1"
    ).fetchall()
    return [row[0] for row in rows]


def _role(
    admin: Connection[tuple[Any, ...]], database: str, account: str, verifier: str, superuser: bool
) -> list[Statement]:
    there = admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [account]).rowcount == 1
    name = sql.Identifier(account)
    # Only a superuser may name the attributes only a superuser may give; a new role has none of them.
    more = "NOSUPERUSER NOREPLICATION NOBYPASSRLS " if superuser else ""
    attributes = sql.SQL(f"LOGIN NOINHERIT NOCREATEDB NOCREATEROLE {more}CONNECTION LIMIT {CONNECTION_LIMIT} PASSWORD ")
    verb = sql.SQL("ALTER ROLE {} " if there else "CREATE ROLE {} ").format(name)
    found = [Statement(verb + attributes + sql.Literal(verifier), hidden=(verifier,))]
    found.append(Statement(sql.SQL("COMMENT ON ROLE {} IS {}").format(name, sql.Literal(ROLE_COMMENT))))
    found.append(Statement(sql.SQL("ALTER ROLE {} RESET ALL").format(name)))
    within = sql.SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(name, sql.Identifier(database))
    found.append(Statement(within))
    for setting, value in role_settings(superuser).items():
        change = sql.SQL("ALTER ROLE {} SET {} = {}").format(name, sql.Identifier(setting), sql.Literal(value))
        found.append(Statement(change))
    return found


def role_settings(superuser: bool) -> dict[str, str]:
    """Settings kept with every account's role."""
    return {**SETTINGS, **(SUPERUSER_SETTINGS if superuser else {})}


def _reset(admin: Connection[tuple[Any, ...]], account: str, schemas: list[str]) -> list[Sql]:
    name = sql.Identifier(account)
    found: list[Sql] = []
    memberships = admin.execute(
        "SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        " JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = %s",
        [account],
    ).fetchall()
    for (group,) in memberships:
        found.append(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(group), name))
    # One by one, not ALL IN SCHEMA: that writes the entry of every relation anew, and there may be very many.
    for relation in reached(admin, {account: frozenset()})[account]:
        kind = sql.SQL("SEQUENCE" if relation.kind == "S" else "TABLE")
        found.append(sql.SQL("REVOKE ALL ON {} {} FROM {}").format(kind, relation.table.identifier, name))
    there = admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [account]).rowcount == 1
    if there and is_superuser(admin):
        # It owns nothing; but every role may keep default privileges of its own, and then it seems to.
        found.append(sql.SQL("DROP OWNED BY {}").format(name))
    for schema in schemas if there else []:
        place = sql.Identifier(schema)
        found.append(sql.SQL("REVOKE ALL ON ALL ROUTINES IN SCHEMA {} FROM {}").format(place, name))
        found.append(sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(place, name))
    return found


def _policies_to_drop(admin: Connection[tuple[Any, ...]], rules: list[Rule]) -> list[Sql]:
    """Policies that apply to an account or to everybody on the declared tables; permissive ones would add up."""
    accounts = sorted({rule.account for rule in rules})
    tables = {rule.table for rule in rules}
    rows = admin.execute(
        "SELECT n.nspname::text, c.relname::text, p.polname::text FROM pg_policy p"
        " JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE 0 = ANY (p.polroles)"
        " OR p.polroles && (SELECT coalesce(array_agg(r.oid), '{}') FROM pg_roles r WHERE r.rolname::text = ANY (%s))"
        " ORDER BY 1, 2, 3",
        [accounts],
    ).fetchall()
    ours = [row for row in rows if any((row[0], row[1]) == (table.schema, table.name) for table in tables)]
    drop = sql.SQL("DROP POLICY IF EXISTS {} ON {}")
    return [drop.format(sql.Identifier(policy), sql.Identifier(schema, table)) for schema, table, policy in ours]


def _table(rule: Rule, relation: Relation) -> list[Sql]:
    role, table = sql.Identifier(rule.account), rule.table.identifier
    columns = sql.SQL(", ").join(sql.Identifier(column) for column in rule.grant.columns)
    found: list[Sql] = [
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(rule.table.schema), role),
        sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(columns, table, role),
    ]
    if relation.is_view:
        return found
    found.append(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(table))
    for policy, create in policy_statements(rule, relation.types).items():
        found += [create, _policy_seal(rule, policy)]
    return found


def policy_statements(rule: Rule, types: Mapping[str, str]) -> dict[str, Sql]:
    """Name → statement of the two policies of a rule.

    Permissive policies add up, so another one made later would widen what the account sees; a restrictive one holds
    whatever others there are. A table with restrictive policies alone shows nothing, hence the permissive one.
    """
    role, table = sql.Identifier(rule.account), rule.table.identifier
    create = sql.SQL("CREATE POLICY {} ON {} AS {} FOR SELECT TO {} USING ({})")
    return {
        rule.policy: create.format(sql.Identifier(rule.policy), table, sql.SQL("PERMISSIVE"), role, sql.SQL("true")),
        rule.filter_policy: create.format(
            sql.Identifier(rule.filter_policy), table, sql.SQL("RESTRICTIVE"), role, rule.condition(types)
        ),
    }


def declared_mark(rule: Rule) -> str:
    """Hash of a rule's row filter as declared."""
    return hash_text(rule.declared)[:32]


def _policy_seal(rule: Rule, policy: str) -> Sql:
    """Keep with the policy what was declared and what PostgreSQL made of it, so that a later edit of either shows."""
    text = """DO $seal$
BEGIN
  EXECUTE format('COMMENT ON POLICY %I ON %I.%I IS %L', {policy}, {schema}, {table}, {declared} || ' ' || (
    SELECT md5(pg_get_expr(p.polqual, p.polrelid)) FROM pg_policy p
    WHERE p.polrelid = format('%I.%I', {schema}, {table})::regclass AND p.polname = {policy}));
END $seal$"""
    return sql.SQL(text).format(
        policy=sql.Literal(policy),
        schema=sql.Literal(rule.table.schema),
        table=sql.Literal(rule.table.name),
        declared=sql.Literal(declared_mark(rule)),
    )
