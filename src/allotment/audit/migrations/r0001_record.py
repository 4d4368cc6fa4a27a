"""The record. Databases that were made before there were revisions have it already."""

from alembic import op

revision = "0001_record"
down_revision = None

TABLES = """
REVOKE ALL ON SCHEMA audit FROM PUBLIC;
CREATE TABLE IF NOT EXISTS audit.record (
    sequence bigint PRIMARY KEY CHECK (sequence > 0),
    at timestamptz NOT NULL,
    event text NOT NULL,
    previous_mac text NOT NULL,
    mac text NOT NULL UNIQUE
);
REVOKE ALL ON audit.record FROM PUBLIC;
"""


def upgrade() -> None:
    """Make the table if it is not there yet."""
    op.get_bind().exec_driver_sql(TABLES)
