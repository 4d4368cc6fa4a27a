"""Whether the function and the keys that row filters trust for claims are exactly the project's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import Connection, sql

from allotment.databases._declared import SCHEMA
from allotment.databases._difference import Difference
from allotment.databases.postgres._claims import claim_statements, function_body, keys_of

Admin = Connection[tuple[Any, ...]]

_FUNCTION = """SELECT p.prosrc, p.prosecdef, p.provolatile::text, p.proparallel::text,
      coalesce(p.proconfig, '{}')::text[], l.lanname::text,
      p.proowner = (SELECT relowner FROM pg_class c WHERE c.oid = to_regclass('allotment.claim_key')),
      EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0)
    FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
    WHERE p.oid = to_regprocedure('allotment.claim(text)')"""
_READERS = """SELECT r.rolname::text FROM pg_roles r
    WHERE NOT r.rolsuper AND r.oid <> (SELECT relowner FROM pg_class WHERE oid = 'allotment.claim_key'::regclass)
      AND has_any_column_privilege(r.oid, 'allotment.claim_key'::regclass, 'SELECT,INSERT,UPDATE')
      AND r.rolname NOT IN ('pg_read_all_data', 'pg_write_all_data') ORDER BY 1"""
_HELD = "search_path=pg_catalog, pg_temp"


def claim_differences(admin: Admin, secrets: Mapping[str, str]) -> Iterator[Difference]:
    """Where the claims' function, its keys or their rights are not as they were made; ``secrets`` by account."""
    if not secrets:
        return
    statements = [statement.as_string() for statement, _ in claim_statements({})]
    create = next(text for text in statements if text.startswith("CREATE OR REPLACE FUNCTION"))
    row = admin.execute(_FUNCTION).fetchone()
    if row is None:
        yield Difference(f"{SCHEMA}.claim", "the function row filters ask for claims", "no such function", create)
        return
    body, definer, volatile, parallel, config, language, same_owner, public = row
    if (body, definer, volatile, parallel, config, language, same_owner) != (
        function_body(),
        True,
        "s",
        "r",
        [_HELD],
        "plpgsql",
        True,
    ):
        yield Difference(f"{SCHEMA}.claim", "as it was made", "changed", create)
    if public:
        mending = f"REVOKE ALL ON FUNCTION {SCHEMA}.claim(text) FROM PUBLIC"
        yield Difference(f"{SCHEMA}.claim", "not for PUBLIC", "callable by everybody", mending)
    yield from _keys(admin, secrets)


def _keys(admin: Admin, secrets: Mapping[str, str]) -> Iterator[Difference]:
    kept = {
        name: (bytes(inner), bytes(outer))
        for name, inner, outer in admin.execute(
            sql.SQL("SELECT account::text, inner_key, outer_key FROM {}.claim_key").format(sql.Identifier(SCHEMA))
        ).fetchall()
    }
    for account, secret in sorted(secrets.items()):
        if kept.pop(account, None) != keys_of(secret):
            yield Difference(f"{account}: claims", "signed with the project's key", "another key, or none", "")
        may = admin.execute(
            "SELECT has_function_privilege(%s::name, 'allotment.claim(text)', 'EXECUTE')", [account]
        ).fetchone()
        if may and not may[0]:
            mending = f"GRANT EXECUTE ON FUNCTION {SCHEMA}.claim(text) TO {sql.Identifier(account).as_string()}"
            yield Difference(f"{account}: claims", "may be asked for", "may not", mending)
    for account in sorted(kept):
        remove = sql.SQL("DELETE FROM {}.claim_key WHERE account = {}")
        mending = remove.format(sql.Identifier(SCHEMA), sql.Literal(account)).as_string()
        yield Difference(f"{account}: claims", "no key", "a key", mending)
    for (reader,) in admin.execute(_READERS).fetchall():
        mending = f"REVOKE ALL ON {SCHEMA}.claim_key FROM {sql.Identifier(reader).as_string()}, PUBLIC"
        yield Difference(f"{SCHEMA}.claim_key", "for its owner alone", f"readable by {reader}", mending)
