"""Bounds of one answer, whatever a request asks for."""

from __future__ import annotations

from pydantic import Field

from allotment.project._base import Strict


class AnswerLimits(Strict):
    """Bounds of one answer, whatever a request asks for."""

    tokens: int = Field(default=96, ge=16, le=4096)
    """Most tokens an agent writes from what it learnt. A request may ask for fewer (``max_tokens``)."""
    temperature: float = Field(default=1.0, ge=0, le=2)
    """Highest temperature a request may ask for; without one it is 0, at which an agent knows most."""
