"""What users say of their answers; the database shows a mark to its user, and to whoever reviews marks."""

from alembic import op

revision = "0006_feedback"
down_revision = "0005_places"

TABLES = """
-- One mark for each decision; its words are not here, they stay in the audit record.
CREATE TABLE gateway.feedback (
    decision  bigint PRIMARY KEY,
    id        uuid NOT NULL DEFAULT gen_random_uuid(),
    user_name text NOT NULL REFERENCES gateway.users (name) ON DELETE CASCADE,
    role      text NOT NULL,
    verdict   text NOT NULL CHECK (verdict IN ('useful', 'wrong_answer', 'wrongly_refused', 'wrong_agent')),
    agent     text,
    note      text NOT NULL DEFAULT '' CHECK (length(note) <= 1000),
    marked_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX feedback_marked ON gateway.feedback (marked_at DESC);

-- One row for each user who ever marked: how often in the hour it names.
CREATE TABLE gateway.feedback_use (
    user_name text PRIMARY KEY REFERENCES gateway.users (name) ON DELETE CASCADE,
    hour      timestamptz NOT NULL,
    used      integer NOT NULL
);

-- A statement that forgets its WHERE, or names another user, finds and changes nothing.
ALTER TABLE gateway.feedback ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON gateway.feedback
    USING (user_name = current_setting('allotment.feedback_of', true))
    WITH CHECK (user_name = current_setting('allotment.feedback_of', true));
CREATE POLICY review ON gateway.feedback FOR SELECT
    USING (current_setting('allotment.feedback_review', true) = 'on');

-- Deletes what is too old, of all users, and shows none of it.
CREATE FUNCTION gateway.forget_feedback(days integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  gone bigint;
BEGIN
  DELETE FROM gateway.feedback WHERE marked_at < now() - make_interval(days => days);
  GET DIAGNOSTICS gone = ROW_COUNT;
  RETURN gone;
END
$$;
REVOKE ALL ON FUNCTION gateway.forget_feedback(integer) FROM PUBLIC;
"""


def upgrade() -> None:
    """Make the tables."""
    op.get_bind().exec_driver_sql(TABLES)
