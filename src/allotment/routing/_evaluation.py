"""How a router does on questions whose agent is known."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from allotment.access import Policy, Principal
from allotment.routing._learned import Compared
from allotment.routing._router import Router
from allotment.routing._trained import Drift, Trained, drift_of
from allotment.routing._types import Means, Outcome, Route


@dataclass(frozen=True)
class Asked:
    """One question, as whom it is asked, and what has to come out."""

    text: str
    role: str
    agent: str | None = None
    """The agent that has to answer; none where nobody of this role knows."""
    means: Means | None = None
    """By which means; none where either will do."""
    labelled: bool = True
    """Whether ``agent`` is known; a question without it counts for time and drift only."""


@dataclass(frozen=True)
class Missed:
    """A question that went elsewhere."""

    question: Asked
    got: str
    """What came out: ``agent/means``, ``ask`` or ``nobody``."""


@dataclass(frozen=True)
class Evaluation:
    """Shares are of the labelled questions; none where there are none of that kind."""

    questions: int
    agent_right: float | None
    """Share of the questions somebody answers that reached the right agent."""
    right: float | None
    """And by the right means."""
    asked: float | None
    """Share of them on which the user is asked which agent he means."""
    rejected: float | None
    """Share of them taken for nobody's."""
    outside_found: float | None
    """Share of the questions nobody answers that were found to be."""
    p50_ms: float
    p95_ms: float
    drift: dict[str, Drift]
    """Role → whether its questions lie farther from the examples than the held-out ones of its training."""
    missed: tuple[Missed, ...]


def evaluate_router(
    router: Router, policy: Policy, questions: Sequence[Asked], trained: Collection[Trained]
) -> Evaluation:
    """Route every question; ``trained``: what was fitted, for the drift."""
    found: list[Outcome] = []
    seconds: list[float] = []
    for one in questions:
        begin = time.perf_counter()
        found.append(router.route(one.text, Principal("evaluation", one.role)))
        seconds.append(time.perf_counter() - begin)
    pairs = [(one, outcome) for one, outcome in zip(questions, found, strict=True) if one.labelled]
    ours = [(one, outcome) for one, outcome in pairs if one.agent is not None]
    others = [outcome for one, outcome in pairs if one.agent is None]
    p50, p95 = np.quantile(seconds, (0.5, 0.95)).tolist() if seconds else (0.0, 0.0)
    return Evaluation(
        questions=len(questions),
        agent_right=_share([_agent(outcome) == one.agent for one, outcome in ours]),
        right=_share([_fits(one, outcome) for one, outcome in ours]),
        asked=_share([_name(outcome) == "ask" for _, outcome in ours]),
        rejected=_share([outcome is None for _, outcome in ours]),
        outside_found=_share([outcome is None for outcome in others]),
        p50_ms=round(1000 * p50, 3),
        p95_ms=round(1000 * p95, 3),
        drift=_drift(router, policy, questions, trained),
        missed=tuple(Missed(one, _name(outcome)) for one, outcome in pairs if not _fits(one, outcome)),
    )


def _share(values: Sequence[bool]) -> float | None:
    return round(sum(values) / len(values), 4) if values else None


def _agent(outcome: Outcome) -> str | None:
    return outcome.agent if isinstance(outcome, Route) else None


def _fits(one: Asked, outcome: Outcome) -> bool:
    if one.agent is None or not isinstance(outcome, Route):
        return one.agent is None and outcome is None
    return outcome.agent == one.agent and one.means in (None, outcome.means)


def _name(outcome: Outcome) -> str:
    if isinstance(outcome, Route):
        return f"{outcome.agent}/{outcome.means}"
    return "nobody" if outcome is None else "ask"


def _drift(
    router: Router, policy: Policy, questions: Sequence[Asked], trained: Collection[Trained]
) -> dict[str, Drift]:
    found: dict[str, Drift] = {}
    for role in sorted({one.role for one in questions}):
        learned, fitted = (
            router.learned(policy.entitled(role), role),
            router.fitted(trained, policy.entitled(role), role),
        )
        if fitted is not None and learned is not None:
            mine = [one.text for one in questions if one.role == role]
            found[role] = drift_of(fitted, [1 - Compared(learned, text).nobody for text in mine])
    return found
