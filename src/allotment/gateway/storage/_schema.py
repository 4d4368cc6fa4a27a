"""The gateway's tables. Secrets are kept as hashes only: a copy of the database logs nobody in."""

from __future__ import annotations

import psycopg
from psycopg import sql

from allotment.gateway.storage._database import unavailable

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS gateway;

CREATE TABLE IF NOT EXISTS gateway.users (
    name          text PRIMARY KEY,
    role          text NOT NULL,
    password_hash text NOT NULL,
    disabled      boolean NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE gateway.users ADD COLUMN IF NOT EXISTS claims jsonb NOT NULL DEFAULT '{}';

CREATE TABLE IF NOT EXISTS gateway.sessions (
    token_hash bytea PRIMARY KEY,
    user_name  text NOT NULL REFERENCES gateway.users (name) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS sessions_user ON gateway.sessions (user_name);

CREATE TABLE IF NOT EXISTS gateway.api_keys (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key_hash   bytea NOT NULL UNIQUE,
    start      text NOT NULL,
    user_name  text NOT NULL REFERENCES gateway.users (name) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);

-- Tries are counted by the name typed, whether such a user exists or not, so that a lock tells nothing.
CREATE TABLE IF NOT EXISTS gateway.login_tries (
    name     text PRIMARY KEY,
    failures integer NOT NULL,
    last_at  timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS login_tries_last ON gateway.login_tries (last_at);
"""

GRANTS = (
    "GRANT USAGE ON SCHEMA gateway TO {role}",
    "GRANT SELECT, INSERT, UPDATE ON gateway.users, gateway.api_keys TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON gateway.sessions, gateway.login_tries TO {role}",
)
"""What the application's own login role may do; it can neither delete users nor change the tables."""


def migrate(admin_dsn: str, login: str) -> None:
    """Make the tables that are not there yet, as administrator, and grant the login role ``login`` what it needs."""
    try:
        with psycopg.connect(admin_dsn) as connection:
            # Two processes that start together must not both create the schema.
            connection.execute("SELECT pg_advisory_xact_lock(hashtext('allotment.gateway.migrate'))")
            connection.execute(SCHEMA)
            for grant in GRANTS:
                connection.execute(sql.SQL(grant).format(role=sql.Identifier(login)))
    except psycopg.OperationalError as error:
        raise unavailable(error) from error
