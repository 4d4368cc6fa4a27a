"""Dealing things out evenly, in an order that a seed decides."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Deck(Generic[T]):
    """Gives every item once, then all of them again in another order."""

    def __init__(self, items: Iterable[T], chance: random.Random) -> None:
        self._items = tuple(items)
        self._chance = chance
        self._left: list[T] = []

    def draw(self) -> T:
        """The next one."""
        if not self._left:
            self._left = list(self._items)
            self._chance.shuffle(self._left)
        return self._left.pop()


class Turns(Generic[T]):
    """Gives items in proportion to their weights, never far from it: any beginning has its shares too."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self._weights = weights
        self._owed = dict.fromkeys(weights, 0.0)

    def draw(self) -> T:
        """The one that is owed most."""
        for item, weight in self._weights.items():
            self._owed[item] += weight
        most = max(self._owed, key=self._owed.__getitem__)
        self._owed[most] -= sum(self._weights.values())
        return most
