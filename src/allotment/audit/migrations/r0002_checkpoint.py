"""The checkpoint that stands for a removed beginning, and an index over the time of records."""

from alembic import op

revision = "0002_checkpoint"
down_revision = "0001_record"

TABLES = """
CREATE TABLE audit.checkpoint (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    sequence bigint NOT NULL CHECK (sequence > 0),
    mac text NOT NULL,
    record bigint NOT NULL CHECK (record > sequence),
    seal text NOT NULL
);
REVOKE ALL ON audit.checkpoint FROM PUBLIC;
CREATE INDEX record_at ON audit.record USING brin (at);
"""


def upgrade() -> None:
    """Make the table; records stay as they are."""
    op.get_bind().exec_driver_sql(TABLES)
