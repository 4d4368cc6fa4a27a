"""Makes one database what the project declares, in one transaction, and looks whether it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import Connection, sql

from allotment.databases._declared import ADMIN_ROLE, APP_ROLE, STATE_DATABASE, Rule
from allotment.databases._difference import Difference
from allotment.databases.postgres._check import differences
from allotment.databases.postgres._connect import CONNECT_S, connect, why_not
from allotment.databases.postgres._load import exists
from allotment.databases.postgres._relations import find_relations
from allotment.databases.postgres._server import EmbeddedServer, account_password
from allotment.databases.postgres._statements import (
    ROLE_COMMENT,
    Secrets,
    Statement,
    is_superuser,
    scram_verifier,
    statements_for,
)
from allotment.errors import DatabaseUnavailable, ProjectError

SECURITY_FLOOR = {15: 18, 16: 14, 17: 10, 18: 4}
"""Major version → first minor one without a known way for plain SQL to run code or to see rows behind a policy
(CVE-2026-6473, CVE-2025-8713, CVE-2024-10976). PostgreSQL 15 is the first whose views can keep to the caller's rights;
older ones get no more repairs. What is newer than the newest here is taken."""


def check_server(admin: Connection[tuple[Any, ...]], database: str, rules: list[Rule]) -> None:
    """Refuse a server that is too old, and accounts that belong to somebody else or own things.

    Raises:
        ProjectError: the server or an account is unfit.
    """
    require_version(admin.info.server_version, database)
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


def require_version(version: int, database: str) -> None:
    """Refuse a server with known holes; ``version`` as the server tells it (150018 is 15.18).

    Raises:
        ProjectError: it is too old.
    """
    major, minor = divmod(version, 10000)
    if major < min(SECURITY_FLOOR) or minor < SECURITY_FLOOR.get(major, 0):
        safe = ", ".join(f"{known}.{first}" for known, first in SECURITY_FLOOR.items())
        raise ProjectError(
            f"the server is PostgreSQL {major}.{minor}, which has known ways around row policies.",
            element=f"databases.{database}",
            remedy=f"Update it to one of {safe} or newer.",
        )


def provision_database(
    admin: Connection[tuple[Any, ...]],
    database: str,
    rules: list[Rule],
    secrets: Mapping[str, Secrets],
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
    relations = find_relations(admin, rules)
    if not fresh_passwords and not differences(admin, database, rules, secrets):
        return []
    statements = statements_for(admin, database, rules, secrets, relations)
    if not dry_run:
        _run(admin, database, statements, rules, secrets)
    return [statement.shown for statement in statements]


def _run(
    admin: Connection[tuple[Any, ...]],
    database: str,
    statements: list[Statement],
    rules: list[Rule],
    secrets: Mapping[str, Secrets],
) -> None:
    try:
        with admin.transaction():
            for statement in statements:
                admin.execute(statement.sql)
            left = differences(admin, database, rules, secrets)
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


def ensure_state_database(server: EmbeddedServer) -> None:
    """The application's own database and login, and nobody's way into the server's standard databases."""
    with connect(server.dsn(user=ADMIN_ROLE, database="postgres"), element="postgres", autocommit=True) as admin:
        name, role = sql.Identifier(STATE_DATABASE), sql.Identifier(APP_ROLE)
        if exists(admin, STATE_DATABASE) and _lets_in(server):
            return
        for database in ("postgres", "template1"):
            admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        verifier = scram_verifier(admin, APP_ROLE, account_password(server, APP_ROLE))
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
    """Whether the server accepts this login.

    Raises:
        DatabaseUnavailable: it says neither yes nor no.
    """
    try:
        psycopg.connect(dsn, connect_timeout=CONNECT_S).close()
    except psycopg.OperationalError as error:
        why = why_not(error)
        if why in ("busy", "silent"):
            raise DatabaseUnavailable(
                "the server lets nobody in just now.", element="login", remedy="Try again."
            ) from None
        return why == "role busy"
    return True


__all__ = ["ensure_state_database", "is_superuser", "lets_in", "provision_database"]
