"""What the audit record keeps of a question, and how long records stay."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from allotment.project._base import Strict

QuestionsKept = Literal["stored", "hashed", "omitted"]


class AuditConfig(Strict):
    """What the audit record keeps of questions, and for how long records stay."""

    questions: QuestionsKept = "stored"
    """`stored`: the words. `hashed`: a keyed hash of them, so that the same question can be found again and no list
    of likely ones gives it away. `omitted`: nothing. It holds for everything that may quote the question."""
    keep_days: int | None = Field(default=None, ge=1, le=36_500)
    """Days a record stays at least; `allotment audit prune` removes older ones. Without it every record stays."""
