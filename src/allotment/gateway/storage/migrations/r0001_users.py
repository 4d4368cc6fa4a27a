"""Users, sessions, keys and tries. Databases that were made before there were revisions have these already."""

from alembic import op

revision = "0001_users"
down_revision = None

TABLES = """
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


def upgrade() -> None:
    """Make the tables that are not there yet."""
    op.get_bind().exec_driver_sql(TABLES)
