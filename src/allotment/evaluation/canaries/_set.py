"""The canaries of a project, and how some of them are drawn and told apart by role."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from allotment.evaluation.canaries._types import Canary


@dataclass(frozen=True)
class CanarySet:
    """What was found, and where nothing was."""

    canaries: tuple[Canary, ...]
    """Sorted by reader set, origin, source and value."""
    lacking: tuple[str, ...]
    """A sentence for each document set, table or reader set that has none, or of which less than all is known."""


def spread(canaries: Sequence[Canary], count: int, seed: int) -> tuple[Canary, ...]:
    """``count`` of them: evenly over reader sets, in each over sources, in each over origins; reproducible.

    Args:
        canaries: in any order; it makes no difference.
        count: how many; where there are not so many, all of them.
        seed: draws among those that are alike.
    """
    drawn = random.Random(seed)  # noqa: S311 a seed draws the same again
    shuffled = sorted(canaries, key=lambda canary: canary.id)
    drawn.shuffle(shuffled)
    return tuple(_in_turn(shuffled, 0)[: max(0, count)])


def _in_turn(canaries: list[Canary], level: int) -> list[Canary]:
    """One of each group in turn, in each group in the same way by the next of its marks."""
    if level == len(_MARKS):
        return canaries
    groups: dict[Hashable, list[Canary]] = defaultdict(list)
    for canary in canaries:
        groups[_MARKS[level](canary)].append(canary)
    turns = zip_longest(*(_in_turn(group, level + 1) for group in groups.values()))
    return [canary for canary in chain.from_iterable(turns) if canary is not None]


_MARKS = (lambda canary: canary.readers, lambda canary: canary.source, lambda canary: canary.origin)


def forbidden_to(canaries: Iterable[Canary], role: str) -> tuple[Canary, ...]:
    """Those that ``role`` may not know."""
    return tuple(canary for canary in canaries if role not in canary.readers)


def own_of(canaries: Iterable[Canary], role: str) -> tuple[Canary, ...]:
    """Those that ``role`` may know."""
    return tuple(canary for canary in canaries if role in canary.readers)
