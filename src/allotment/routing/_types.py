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


Decider = Literal["role", "user", "conversation", "examples"]
"""What a route rests on: the role's only agent, the agent the user named, an earlier question, or what was learnt."""


@dataclass(frozen=True)
class Unclear:
    """Several entitled agents may be meant, and the project says that the user is asked."""

    agents: tuple[str, ...]
    """The likeliest first."""
    why: str


Outcome = Route | Unclear | None
"""Who answers; several who may be meant; or nobody."""


@dataclass(frozen=True)
class Routed:
    """An outcome, and what it rests on."""

    outcome: Outcome
    by: Decider
    ours: float | None = None
    """Probability that the question alone is any entitled agent's; none where nothing was compared."""
    after: str | None = None
    """The user's own earlier question that this one follows, made of several where that one followed another: it makes
    no sense alone, and the same agent answers."""
