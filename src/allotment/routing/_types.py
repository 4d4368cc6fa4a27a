"""What routing takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Means = Literal["adapter", "account"]
"""How an agent answers: from what its adapter learnt, or from the database on its account."""

Candidate = tuple[str, Means]
Examples = Mapping[Candidate, Sequence[str]]
"""Candidate → questions it is there to answer."""


@dataclass(frozen=True)
class Route:
    """Which entitled agent answers, by what means, and why."""

    agent: str
    means: Means
    score: float
    """Probability that the question is this candidate's, 0 to 1, among the entitled ones and nobody; 1 where the
    role alone decides."""
    why: str
    """In words; quotes nothing but the chosen agent's closest example."""
    runner_up: str | None
    """The best other entitled candidate, as ``agent/means``."""
    runner_up_score: float | None = None
    """Its probability."""


@dataclass(frozen=True)
class Unclear:
    """Several entitled agents may be meant, and the project says that the user is asked."""

    agents: tuple[str, ...]
    """The likeliest first."""
    why: str
