"""The gateway's tables. Secrets are kept as hashes only: a copy of the database logs nobody in."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from allotment.databases import migrate_schema, schema_is_newest
from allotment.gateway.storage._database import unavailable

MIGRATIONS = Path(__file__).parent / "migrations"

GRANTS = (
    "GRANT USAGE ON SCHEMA gateway TO {role}",
    "GRANT SELECT, INSERT, UPDATE ON gateway.users, gateway.api_keys TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.sessions, gateway.login_tries, gateway.login_addresses,"
    " gateway.set_up_links, gateway.oidc_logins TO {role}",
    "GRANT SELECT ON gateway.migration TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.limit_use, gateway.limit_reservations TO {role}",
    "GRANT SELECT, INSERT, DELETE ON gateway.conversations, gateway.messages TO {role}",
    "GRANT UPDATE (title) ON gateway.conversations TO {role}",
    "GRANT EXECUTE ON FUNCTION gateway.forget_history(integer) TO {role}",
    "GRANT SELECT, INSERT, UPDATE ON gateway.feedback, gateway.feedback_use TO {role}",
    "GRANT EXECUTE ON FUNCTION gateway.forget_feedback(integer) TO {role}",
)
"""What the application's own login role may do; it can neither delete users nor change the tables."""


def migrate(admin_dsn: str, login: str) -> None:
    """Bring the tables to their newest form, as administrator, and grant the role ``login`` what it needs."""
    migrate_schema(admin_dsn, "gateway", MIGRATIONS)
    try:
        with psycopg.connect(admin_dsn) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('allotment.gateway.migrate'))")
            for grant in GRANTS:
                connection.execute(sql.SQL(grant).format(role=sql.Identifier(login)))
    except psycopg.OperationalError as error:
        raise unavailable(error) from error


def schema_problems(dsn: str) -> list[str]:
    """What is wrong with the tables, as the application's own login sees them; empty when they are as they should be.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    newest = schema_is_newest(dsn, "gateway", MIGRATIONS)
    return [] if newest else ["the gateway's tables are not in the form this program knows; restart it"]
