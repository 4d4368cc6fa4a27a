"""Conversations of users, which the database shows to nobody but the user a transaction was opened for."""

from alembic import op

revision = "0004_history"
down_revision = "0003_limits"

TABLES = """
CREATE TABLE gateway.conversations (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_name  text NOT NULL REFERENCES gateway.users (name) ON DELETE CASCADE,
    title      text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (id, user_name)
);
CREATE INDEX conversations_user ON gateway.conversations (user_name, created_at DESC);

-- The pair of columns keeps a message from ever standing in another user's conversation.
CREATE TABLE gateway.messages (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id uuid NOT NULL,
    user_name       text NOT NULL,
    asked_at        timestamptz NOT NULL DEFAULT now(),
    question        text NOT NULL,
    answer          text,
    outcome         text NOT NULL,
    agent           text,
    record          bigint,
    sources         jsonb NOT NULL DEFAULT '[]',
    FOREIGN KEY (conversation_id, user_name) REFERENCES gateway.conversations (id, user_name) ON DELETE CASCADE
);
CREATE INDEX messages_conversation ON gateway.messages (conversation_id, id);
CREATE INDEX messages_asked ON gateway.messages (asked_at);

-- A statement that forgets its WHERE, or names another user, finds and changes nothing: no user, no rows.
ALTER TABLE gateway.conversations ENABLE ROW LEVEL SECURITY;
ALTER TABLE gateway.messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON gateway.conversations
    USING (user_name = current_setting('allotment.history_of', true))
    WITH CHECK (user_name = current_setting('allotment.history_of', true));
CREATE POLICY own ON gateway.messages
    USING (user_name = current_setting('allotment.history_of', true))
    WITH CHECK (user_name = current_setting('allotment.history_of', true));

-- Deletes what is too old, of all users, and shows none of it.
CREATE FUNCTION gateway.forget_history(days integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  gone bigint;
BEGIN
  DELETE FROM gateway.messages WHERE asked_at < now() - make_interval(days => days);
  GET DIAGNOSTICS gone = ROW_COUNT;
  DELETE FROM gateway.conversations c WHERE c.created_at < now() - make_interval(days => days)
    AND NOT EXISTS (SELECT FROM gateway.messages m WHERE m.conversation_id = c.id);
  RETURN gone;
END
$$;
REVOKE ALL ON FUNCTION gateway.forget_history(integer) FROM PUBLIC;
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_bind().exec_driver_sql(TABLES)
