"""Whether people ask otherwise than before: how near their questions lay, how many were nobody's, and who got them.

From numbers in the record alone, so that it works where the record keeps no words.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from allotment.routing._trained import Trained, drift_of

ENOUGH = 30
"""Questions of a period below which nothing is said of it."""
_SURE = 3.0
"""Standard deviations beyond which a difference is none of chance."""
_SHIFT = 0.1
"""Share of questions that must have gone elsewhere before it is worth a word."""
NOBODY, ASKED = "nobody", "asked back"


@dataclass(frozen=True)
class Recorded:
    """One question that was routed by what was learnt."""

    role: str
    ours: float
    """Probability that it was any of the role's agents'."""
    to: str
    """The agent, ``nobody``, or ``asked back``."""


@dataclass(frozen=True)
class Period:
    """Questions of some days."""

    questions: int
    median: float
    """Of the probability of being any agent's."""
    low: float | None
    """Share below what nine tenths of the held-out questions of the training reached; none without a training."""
    nobody: float
    """Share that no agent was asked."""
    routes: Mapping[str, float]
    """Where they went → share."""


@dataclass(frozen=True)
class RoleDrift:
    """One role: its questions of late beside those before and those of the training."""

    role: str
    now: Period | None
    before: Period | None
    """As many days, right before."""
    trained_median: float | None
    trained_nobody: float | None
    """Share of the held-out questions of the training that were taken for nobody's."""
    changed: tuple[str, ...]
    """What is otherwise than before, beyond chance, in words."""
    advice: str


def recorded(events: Iterable[Mapping[str, Any]]) -> list[Recorded]:
    """The questions of audit events that were routed by what was learnt; whatever else there is, is left out."""
    found = []
    for event in events:
        detail = event.get("detail")
        if not isinstance(detail, Mapping) or detail.get("routed") != "examples":
            continue
        ours, agent = detail.get("ours"), detail.get("agent")
        if isinstance(ours, int | float) and not isinstance(ours, bool):
            to = agent if isinstance(agent, str) else ASKED if "agents" in detail else NOBODY
            found.append(Recorded(str(event.get("role")), float(ours), to))
    return found


def role_drift(role: str, now: Sequence[Recorded], before: Sequence[Recorded], trained: Trained | None) -> RoleDrift:
    """Compare a role's questions of two periods, and of the training.

    Args:
        role: whose.
        now: questions of late, of any role.
        before: those of as many days before.
        trained: what was fitted for the role's agents, if it was.
    """
    mine, theirs = (_period([one for one in some if one.role == role], trained) for some in (now, before))
    changed = _changed(mine, theirs) if mine and theirs else ()
    return RoleDrift(
        role,
        mine,
        theirs,
        trained.deciles[4] if trained and trained.deciles else None,
        trained.rejected if trained else None,
        changed,
        _advice(mine, theirs, trained, changed),
    )


def _period(some: Sequence[Recorded], trained: Trained | None) -> Period | None:
    if not some:
        return None
    ours, count = [one.ours for one in some], len(some)
    routes = Counter(one.to for one in some)
    return Period(
        count,
        round(median(ours), 4),
        round(drift_of(trained, ours).below / count, 4) if trained else None,
        round(routes[NOBODY] / count, 4),
        {to: round(number / count, 4) for to, number in sorted(routes.items())},
    )


def _changed(now: Period, before: Period) -> tuple[str, ...]:
    if min(now.questions, before.questions) < ENOUGH:
        return ()
    found = []
    if now.low is not None and before.low is not None and _more(now.low, before.low, now, before):
        found.append(f"{_percent(now.low)} of the questions lie far from what the agents learnt, {_percent(before.low)}"
                     " before")  # fmt: skip
    if _more(now.nobody, before.nobody, now, before):
        found.append(f"{_percent(now.nobody)} are nobody's, {_percent(before.nobody)} before")
    for agent in sorted({*now.routes, *before.routes} - {NOBODY}):
        new, old = now.routes.get(agent, 0.0), before.routes.get(agent, 0.0)
        if abs(new - old) >= _SHIFT and (_more(new, old, now, before) or _more(old, new, before, now)):
            found.append(f"{_percent(new)} go to {agent}, {_percent(old)} before")
    return tuple(found)


def _more(share: float, other: float, mine: Period, theirs: Period) -> bool:
    """Whether one share is larger than another beyond chance: the pooled test of two proportions."""
    pooled = (share * mine.questions + other * theirs.questions) / (mine.questions + theirs.questions)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / mine.questions + 1 / theirs.questions))
    return share - other > _SURE * spread and share > other


def _advice(now: Period | None, before: Period | None, trained: Trained | None, changed: Sequence[str]) -> str:
    count = now.questions if now else 0
    if trained is None:
        return "Run `allotment routing train`: without it there is no training to compare with."
    if now is None or count < ENOUGH:
        return f"Too few questions to tell: {count} of at least {ENOUGH}."
    if changed:
        return (
            "People ask otherwise than before. See `allotment feedback list` and what was nobody's, add what is missing"
            " to the documents or to dataset.paraphrases, then run `dataset generate` and `routing train`."
        )
    if before is None or before.questions < ENOUGH:
        return "There is no period before to compare with yet; this one is the baseline. Nothing is to be done."
    return "As before; there is nothing to do."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
