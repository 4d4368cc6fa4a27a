"""Makes one database what the project declares, in one transaction, and looks whether it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import Connection, sql

from allotment.databases._declared import ADMIN_ROLE, APP_ROLE, STATE_DATABASE, Rule
from allotment.databases._difference import Difference
from allotment.databases.postgres._check import differences
from allotment.databases.postgres._connect import connect
from allotment.databases.postgres._load import exists
from allotment.databases.postgres._server import EmbeddedServer, account_password
from allotment.databases.postgres._statements import ROLE_COMMENT, Statement, is_superuser, statements_for
from allotment.errors import DatabaseUnavailable, ProjectError

OLDEST_SERVER = 150000
"""PostgreSQL 15: the first whose views can keep to the caller's rights; older ones get no more repairs."""


def check_server(admin: Connection[tuple[Any, ...]], database: str, rules: list[Rule]) -> None:
    """Refuse a server that is too old, and accounts that belong to somebody else or own things.

    Raises:
        ProjectError: the server or an account is unfit.
    """
    if admin.info.server_version < OLDEST_SERVER:
        raise ProjectError(
            f"the server is PostgreSQL {admin.info.server_version // 10000}.",
            element=f"databases.{database}",
            remedy="Use PostgreSQL 15 or newer.",
        )
    rows = admin.execute(
        "SELECT r.rolname::text, r.rolsuper, coalesce(shobj_description(r.oid, 'pg_authid'), ''), EXISTS (SELECT"
        " FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND s.deptype = 'o'"
        " AND s.classid <> 'pg_default_acl'::regclass)"
        " FROM pg_roles r WHERE r.rolname::text = ANY (%s) ORDER BY 1",
        [sorted({rule.account for rule in rules})],
    ).fetchall()
    for account, superuser, comment, owner in rows:
        fault = "is a superuser" if superuser else "owns objects" if owner else "was made by somebody else"
        if superuser or owner or comment != ROLE_COMMENT:
            raise ProjectError(
                f"the role {account!r} {fault}.", element=f"accounts.{account}", remedy="Give the account another name."
            )


def check_tables(admin: Connection[tuple[Any, ...]], rules: list[Rule]) -> None:
    """Refuse what row policies cannot guard, and tables or columns that are not there.

    Raises:
        ProjectError: the first such table or column, with what there is.
    """
    for rule in rules:
        rows = admin.execute(
            "SELECT c.relkind::text, a.attname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
            " WHERE n.nspname = %s AND c.relname = %s ORDER BY a.attnum",
            [rule.table.schema, rule.table.name],
        ).fetchall()
        element = f"accounts.{rule.account}.tables.{rule.table.name}"
        if not rows or rows[0][0] not in "rp":
            fault = "is no table of the database." if not rows else "is a view; its rows cannot be guarded by account."
            raise ProjectError(fault, element=element, remedy="Name a table that is there.")
        there = [row[1] for row in rows]
        missing = sorted({*rule.grant.columns, *rule.grant.rows} - set(there))
        if missing:
            remedy = f"Its columns are {', '.join(there)}."
            raise ProjectError(f"has no column {', '.join(missing)}.", element=element, remedy=remedy)


def provision_database(
    admin: Connection[tuple[Any, ...]],
    database: str,
    rules: list[Rule],
    passwords: Callable[[str], str],
    *,
    dry_run: bool,
    fresh_passwords: frozenset[str] = frozenset(),
) -> list[str]:
    """Bring one database to what is declared; returns the statements, none if it already is.

    ``fresh_passwords`` names accounts whose stored password is not the project's.

    Raises:
        ProjectError: it cannot be brought there; nothing of it is done.
    """
    check_server(admin, database, rules)
    check_tables(admin, rules)
    if not fresh_passwords and not differences(admin, database, rules):
        return []
    verifiers = {rule.account: _verifier(admin, rule.account, passwords(rule.account)) for rule in rules}
    statements = statements_for(admin, database, rules, verifiers)
    if not dry_run:
        _run(admin, database, statements, rules)
    return [statement.shown for statement in statements]


def _run(admin: Connection[tuple[Any, ...]], database: str, statements: list[Statement], rules: list[Rule]) -> None:
    try:
        with admin.transaction():
            for statement in statements:
                admin.execute(statement.sql)
            left = differences(admin, database, rules)
            if left:
                raise _still_different(left)
    except psycopg.Error as error:
        raise ProjectError(
            f"cannot be provisioned ({error.diag.message_primary or error}).",
            element=f"databases.{database}",
            remedy="Nothing was changed. See that the declared row filters fit the columns' types.",
        ) from error


def _still_different(left: list[Difference]) -> ProjectError:
    first = left[0]
    return ProjectError(
        f"is not as declared after provisioning: expected {first.expected}, found {first.found}"
        f" ({len(left)} such places).",
        element=first.element,
        remedy=f"Nothing was changed. As the server's owner: {first.mending_sql}",
    )


def _verifier(admin: Connection[tuple[Any, ...]], account: str, password: str) -> str:
    # The server never sees the password, so no log or statistics view of it can hold it.
    raw = admin.pgconn.encrypt_password(password.encode(), account.encode(), b"scram-sha-256")
    return raw.decode()


def ensure_state_database(server: EmbeddedServer) -> None:
    """The application's own database and login, and nobody's way into the server's standard databases."""
    with connect(server.dsn(user=ADMIN_ROLE, database="postgres"), element="postgres", autocommit=True) as admin:
        name, role = sql.Identifier(STATE_DATABASE), sql.Identifier(APP_ROLE)
        if exists(admin, STATE_DATABASE) and _lets_in(server):
            return
        for database in ("postgres", "template1"):
            admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        verifier = _verifier(admin, APP_ROLE, account_password(server, APP_ROLE))
        there = admin.execute("SELECT FROM pg_roles WHERE rolname = %s", [APP_ROLE]).rowcount == 1
        verb = sql.SQL("ALTER ROLE {} " if there else "CREATE ROLE {} ").format(role)
        admin.execute(verb + sql.SQL("LOGIN NOSUPERUSER NOINHERIT PASSWORD {}").format(sql.Literal(verifier)))
        if not exists(admin, STATE_DATABASE):
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
        admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
        admin.execute(sql.SQL("GRANT CONNECT, CREATE ON DATABASE {} TO {}").format(name, role))
    with connect(server.dsn(user=ADMIN_ROLE, database=STATE_DATABASE), element=STATE_DATABASE) as admin:
        # "$user" leads the search path, so the application's tables land in a schema of its own.
        admin.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {} AUTHORIZATION {}").format(role, role))
        admin.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")


def _lets_in(server: EmbeddedServer) -> bool:
    return lets_in(server.dsn(user=APP_ROLE, database=STATE_DATABASE))


def lets_in(dsn: str) -> bool:
    """Whether the server accepts this login."""
    try:
        connect(dsn, element="login").close()
    except DatabaseUnavailable:
        return False
    return True


__all__ = ["ensure_state_database", "is_superuser", "lets_in", "provision_database"]
