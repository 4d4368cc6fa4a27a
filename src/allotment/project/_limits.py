"""How much of a database one question, one user and one account may take."""

from __future__ import annotations

from pydantic import Field

from allotment.project._base import Strict


class DatabaseLimits(Strict):
    """How much of the databases one question, one user and one account may take, in each process."""

    rows: int = Field(default=200, ge=1, le=100_000)
    """Most rows of an answer; what is beyond is cut off, and said to be."""
    answer_bytes: int = Field(default=1_000_000, ge=1_000, le=100_000_000)
    """Most bytes of an answer; rows beyond are cut off, and one row that is larger is refused inside the database."""
    statement_s: float = Field(default=5.0, gt=0, le=600)
    """Seconds a statement may take before the database ends it; a second later the gateway ends it itself."""
    database_s_per_minute: float = Field(default=60.0, gt=0)
    """Database seconds one user may take in any 60 seconds, all his questions together."""
    connections: int = Field(default=100, ge=1, le=1_000)
    """Most connections of all accounts together."""
    connections_per_account: int = Field(default=16, ge=1, le=20)
    """Most connections of one account; its login role has 20, which all processes share."""
    wait_s: float = Field(default=10.0, ge=0)
    """Seconds a question waits for a connection before it is refused."""
    check_every_s: float = Field(default=60.0, gt=0)
    """Seconds between two self-checks of a gateway that serves."""
