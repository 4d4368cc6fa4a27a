"""What a run is told to do, and everything it has to show."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from allotment.evaluation.attacks._ledger import RunLedger, attack_in, result_in
from allotment.evaluation.attacks._types import Attack, Result
from allotment.evaluation.canaries import Canary
from allotment.project import Project

_SHARES = {"attempts": 0.7, "layers": 0.85, "ordinary": 0.95, "adaptive": 1.0}
"""Of the budget that may be spent when each part ends."""


@dataclass(frozen=True)
class Settings:
    """What a run is to do."""

    count: int = 10_000
    budget_minutes: float | None = None
    seed: int = 1
    workers: int = 0
    """0 takes one for each core."""
    fresh: bool = False
    """Whether what an earlier run with the same inputs did is forgotten."""
    adaptive: int = 0


@dataclass
class Found:
    """Everything a run has to show, whether it came to its end or not."""

    project: Project
    settings: Settings
    canaries: tuple[Canary, ...]
    attacks: dict[str, Attack]
    planned: int
    results: list[Result] = field(default_factory=list)
    """In the order they ended."""
    times: list[float] = field(default_factory=list)
    """When each ended, seconds since 1970."""
    without: list[dict[str, Any]] = field(default_factory=list)
    controls: list[dict[str, Any]] = field(default_factory=list)
    overrides: list[dict[str, Any]] = field(default_factory=list)
    """What the guard said to orders to forget the rules, and to claims of a role."""
    claims: list[dict[str, Any]] = field(default_factory=list)
    decided: list[dict[str, Any]] = field(default_factory=list)
    answered: list[dict[str, Any]] = field(default_factory=list)
    not_tested: list[str] = field(default_factory=list)
    versions: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0.0
    workers: int = 1
    endpoint: str = ""
    """Address of a foreign one; empty for the project's own gateway."""
    adapted: set[str] = field(default_factory=set)
    """Ids of attempts that were made from what came back, besides those that were planned."""


class Budget:
    """When each part of a run has to end."""

    def __init__(self, minutes: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._began, self._minutes = clock(), minutes

    def deadline(self, part: str) -> float | None:
        """The moment at which nothing more of a part is begun; none without a budget."""
        return None if self._minutes is None else self._began + self._minutes * 60 * _SHARES[part]


def collected(found: Found, ledger: RunLedger) -> Found:
    """What the ledger has of this run, each kind in its place."""
    places = {"without": found.without, "control": found.controls}
    places |= {"override": found.overrides, "claim": found.claims}
    places |= {"decided": found.decided, "answered": found.answered}
    for key, row in ledger.rows():
        kind = row.get("kind", "attack")
        if kind == "adaptive":  # made as the run went on: they stand for none of those that were planned before
            if key not in found.attacks:
                found.planned += 1
                found.adapted.add(key)
            found.attacks[key] = attack_in(row)
        if key in found.attacks:
            if "reply" in row:
                found.results.append(result_in(row))
            else:  # a process died at it, or it could not be begun
                number = found.attacks[key].number
                found.results.append(Result(number, key, "failed", None, "", str(row["detail"]), 0.0, False))
            found.times.append(row["at"])
        elif kind in places:
            places[kind].append(row)
    return found
