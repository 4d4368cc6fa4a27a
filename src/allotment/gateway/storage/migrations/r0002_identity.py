"""Users from a provider, set-up links, scopes and ends of keys, sessions that can be listed, tries by address."""

from alembic import op

revision = "0002_identity"
down_revision = "0001_users"

TABLES = """
-- A user without a password waits for his set-up link, or comes from the provider whose issuer and subject he has.
ALTER TABLE gateway.users ALTER COLUMN password_hash DROP NOT NULL;
ALTER TABLE gateway.users ADD COLUMN issuer text, ADD COLUMN subject text, ADD COLUMN last_login_at timestamptz;
ALTER TABLE gateway.users ADD CONSTRAINT users_one_source CHECK (
    (issuer IS NULL) = (subject IS NULL) AND (issuer IS NULL OR password_hash IS NULL)
);
CREATE UNIQUE INDEX users_subject ON gateway.users (issuer, subject);

-- An ended session stays until it would have expired, so that its cookie, used again, is known for what it is.
ALTER TABLE gateway.sessions ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY UNIQUE, ADD COLUMN ended_at timestamptz;
CREATE INDEX sessions_created ON gateway.sessions (created_at);

-- Keys made before there were scopes and ends: every agent of the role, and a year from now.
ALTER TABLE gateway.api_keys ADD COLUMN label text NOT NULL DEFAULT '', ADD COLUMN agents text[],
    ADD COLUMN expires_at timestamptz NOT NULL DEFAULT now() + interval '365 days', ADD COLUMN last_used_at timestamptz;
ALTER TABLE gateway.api_keys ALTER COLUMN expires_at DROP DEFAULT;
CREATE INDEX api_keys_user ON gateway.api_keys (user_name);

CREATE TABLE gateway.set_up_links (
    token_hash bytea PRIMARY KEY,
    user_name  text NOT NULL UNIQUE REFERENCES gateway.users (name) ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

-- A login on its way to the provider and back; taken out when its answer comes, so that an answer counts once.
CREATE TABLE gateway.oidc_logins (
    state_hash   bytea PRIMARY KEY,
    browser_hash bytea NOT NULL,
    nonce        text NOT NULL,
    verifier     text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX oidc_logins_created ON gateway.oidc_logins (created_at);

-- Which names an address tried and failed, and which of them got in from there before.
CREATE TABLE gateway.login_addresses (
    address   inet NOT NULL,
    name      text NOT NULL,
    failed_at timestamptz,
    passed_at timestamptz,
    PRIMARY KEY (address, name)
);
CREATE INDEX login_addresses_failed ON gateway.login_addresses (failed_at) WHERE passed_at IS NULL;
CREATE INDEX login_addresses_passed ON gateway.login_addresses (passed_at);
"""


def upgrade() -> None:
    """Add what is new; no user, session or key that is there stops working."""
    op.get_bind().exec_driver_sql(TABLES)
