"""Attempts that learn from what came back: a search over changes, and a model that reads the refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from allotment.evaluation.attacks._types import Attack, Result
from allotment.evaluation.canaries import Canary
from allotment.models import Engine
from allotment.project import Project

Ask = Callable[[Attack], Result]


class Attacker(Protocol):
    """Makes the next try from what came back."""

    def next(self, attack: Attack, result: Result) -> Attack | None:
        """The next try; none gives up."""
        ...


def adaptive(
    project: Project,
    canaries: Sequence[Canary],
    seed: int,
    ask: Ask,
    *,
    most: int = 200,
    first: int = 0,
    engine: Engine | None = None,
    calls: int = 40,
) -> Iterator[tuple[Attack, Result]]:
    """Try, keep what got further, change it, try again.

    Args:
        project: whose roles, agents and accounts.
        canaries: what is aimed at.
        seed: the same gives the same, if ``ask`` answers the same.
        ask: makes one attempt and tells what became of it.
        most: attempts at most.
        first: number of the first attempt.
        engine: writes tries of its own from the refusals; none leaves it to the search.
        calls: of ``engine`` at most; they are among ``most``.
    """
    raise NotImplementedError
