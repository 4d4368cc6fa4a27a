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
    """Similarity to the chosen agent's own examples, 0 to 1."""
    why: str
    """In words; quotes nothing but the chosen agent's closest example."""
    runner_up: str | None
    """The best other entitled candidate, as ``agent/means``."""
