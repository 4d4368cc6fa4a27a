"""What is kept of what each user asked and was answered."""

from __future__ import annotations

from pydantic import Field

from allotment.project._base import Strict


class HistoryConfig(Strict):
    """How long a user's own conversations are kept for him; nobody else can read them."""

    days: int = Field(default=30, ge=1, le=3650)
    """Days after which a question and its answer are deleted."""
    rows: bool = False
    """Whether answers made from a database are kept as well; without it their question is kept alone."""
