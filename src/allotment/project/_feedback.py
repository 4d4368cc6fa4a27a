"""How users mark their answers."""

from __future__ import annotations

from pydantic import Field

from allotment.project._base import Strict


class FeedbackConfig(Strict):
    """Marks users give to their own answers; nothing is learnt from one before a person approved it."""

    days: int = Field(default=365, ge=1, le=3650)
    """Days after which a mark is deleted. What was approved stays in the project."""
    per_hour: int = Field(default=60, ge=1, le=10_000)
    """Most marks of one user in an hour of the clock."""
