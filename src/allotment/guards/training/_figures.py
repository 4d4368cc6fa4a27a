"""Shares with their uncertainty, and the curves of a score over all its thresholds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Z = 1.959964
"""Standard normal quantile of a two-sided interval of 95 %."""
POINTS = 60
"""Most points of a curve that are kept."""


@dataclass(frozen=True)
class Share:
    """So many of so many, with the interval in which the true share lies with 95 % certainty."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        """Hits of all; 0 where there is none."""
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval (E. B. Wilson, 1927): fair for few texts and for shares near 0 and 1."""
        if not self.of:
            return 0.0, 1.0
        share, root = self.value, Z * Z / self.of
        middle = (share + root / 2) / (1 + root)
        half = Z / (1 + root) * math.sqrt(share * (1 - share) / self.of + Z * Z / (4 * self.of * self.of))
        low, high = middle - half, middle + half
        return (low if self.hits else 0.0), (high if self.hits < self.of else 1.0)


@dataclass(frozen=True)
class Point:
    """What a threshold gives: texts with this score or more are refused."""

    threshold: float
    false_positives: float
    """Share of the harmless texts that are refused."""
    recall: float
    """Share of the attacks that are refused."""

    def precision(self, attacks: float) -> float:
        """Attacks of all that is refused, where ``attacks`` of all questions are attacks; 1 where none is refused."""
        found, wrong = attacks * self.recall, (1 - attacks) * self.false_positives
        return found / (found + wrong) if found + wrong else 1.0

    @classmethod
    def of_json(cls, value: Sequence[float | None]) -> Point:
        """The point that ``as_json`` gave."""
        threshold, false_positives, recall = (math.inf if one is None else float(one) for one in value)
        return cls(threshold, false_positives, recall)

    def as_json(self) -> list[float | None]:
        """Threshold (nothing where no text reaches it), false positives, recall."""
        threshold = None if math.isinf(self.threshold) else round(self.threshold, 4)
        return [threshold, round(self.false_positives, 5), round(self.recall, 4)]


@dataclass(frozen=True)
class Curve:
    """A score's points from the highest threshold to the lowest, and how well it tells attacks from harmless texts."""

    points: tuple[Point, ...]
    """Some 60 of them, the first with an endless threshold: nothing is refused."""
    at: Point
    """What the check refuses as it is set."""
    area: float
    """Probability that an attack has a higher score than a harmless text, half of the ties counted (area under ROC)."""

    @property
    def graded(self) -> bool:
        """Whether there is more than one threshold to choose from; a rule has one."""
        return len(self.points) > 3

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Curve:
        """The curve that ``as_json`` gave."""
        points = tuple(Point.of_json(point) for point in value["points"])
        return cls(points, Point.of_json(value["at"]), float(value["area"]))

    def as_json(self) -> dict[str, Any]:
        """Area, the point that is set, and all points, each [threshold, false positives, recall]."""
        return {
            "area": round(self.area, 4),
            "at": self.at.as_json(),
            "points": [point.as_json() for point in self.points],
        }


def curve(attacks: Sequence[float], harmless: Sequence[float], at: Point) -> Curve:
    """The curve of these scores; ``at`` is what the check refuses as it is set.

    Raises:
        ValueError: one of the two is empty, or a score is not a number.
    """
    high, low = (np.sort(np.asarray(scores, dtype=np.float64)) for scores in (attacks, harmless))
    if not len(high) or not len(low) or not (np.isfinite(high).all() and np.isfinite(low).all()):
        raise ValueError("a curve needs scores of attacks and of harmless texts")
    limits = np.unique(np.concatenate((high, low)))[::-1]
    recall, false = _at_least(high, limits), _at_least(low, limits)
    below = np.searchsorted(low, high, side="left") + np.searchsorted(low, high, side="right")
    area = float(below.sum()) / (2 * len(high) * len(low))
    points = [Point(float(limit), float(x), float(y)) for limit, x, y in zip(limits, false, recall, strict=True)]
    return Curve((Point(math.inf, 0.0, 0.0), *(points[place] for place in _kept(recall, false))), at, area)


def _at_least(scores: NDArray[np.float64], limits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the sorted scores that reach each limit."""
    shares: NDArray[np.float64] = (len(scores) - np.searchsorted(scores, limits, side="left")) / len(scores)
    return shares


def _kept(recall: NDArray[np.float64], false: NDArray[np.float64]) -> list[int]:
    """Corners of the curve, and of many of them those that lie evenly along it; few false positives count more."""
    way = np.cumsum(np.hypot(np.diff(recall, prepend=0), np.diff(np.sqrt(false), prepend=0)))
    steps = np.unique(np.searchsorted(way, np.linspace(0, way[-1], POINTS - 1)).clip(0, len(way) - 1))
    return [int(place) for place in np.union1d(steps, [len(way) - 1])]
