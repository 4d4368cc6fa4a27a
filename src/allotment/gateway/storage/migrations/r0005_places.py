"""Where a session was begun, so that its user recognises it."""

from alembic import op

revision = "0005_places"
down_revision = "0004_history"

TABLES = """
ALTER TABLE gateway.sessions ADD COLUMN address text NOT NULL DEFAULT '',
    ADD COLUMN browser text NOT NULL DEFAULT '';
"""


def upgrade() -> None:
    """Add what is new; no session that is there ends."""
    op.get_bind().exec_driver_sql(TABLES)
