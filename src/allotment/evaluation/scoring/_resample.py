"""How sure a mean is, and whether two means of the same questions differ: by resampling facts, and by exact tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

RESAMPLES = 2000
_SEED = 20260

Interval = tuple[float, float]


def cluster_interval(values: Sequence[float], clusters: Sequence[str]) -> Interval | None:
    """95 % interval of a mean whose values hang together in clusters; none of nothing.

    Percentile bootstrap over clusters (Efron and Tibshirani 1993; Davison and Hinkley 1997, 2.4), 2,000 resamples,
    seeded. Of values that are all alike it has no width, however few they are: say how many there were.

    Args:
        values: one a question.
        clusters: the fact each of them asks for.
    """
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for value, cluster in zip(values, clusters, strict=True):
        sums[cluster][0] += value
        sums[cluster][1] += 1
    if not sums:
        return None
    table = np.array([sums[name] for name in sorted(sums)])
    drawn = table[_draws(len(table))].sum(axis=1)
    return _percentiles(drawn[:, 0] / drawn[:, 1])


def statistic_interval(rows: Sequence[Any], statistic: Callable[[Sequence[Any]], float | None]) -> Interval | None:
    """95 % interval of any statistic of rows by the same bootstrap; resamples without a value are left out."""
    if not rows:
        return None
    found = [statistic([rows[place] for place in draw]) for draw in _draws(len(rows))]
    known = [value for value in found if value is not None]
    return _percentiles(np.array(known)) if known else None


def _draws(count: int) -> npt.NDArray[np.intp]:
    return np.random.default_rng(_SEED).integers(0, count, size=(RESAMPLES, count))


def _percentiles(means: npt.NDArray[np.float64]) -> Interval:
    low, high = np.percentile(means, [2.5, 97.5])
    return round(float(low), 6), round(float(high), 6)


def mcnemar(one: Mapping[str, bool], other: Mapping[str, bool]) -> tuple[int, int, float]:
    """Facts that only one knows, facts that only the other knows, and the exact two-sided p (McNemar 1947).

    Args:
        one, other: fact → whether it is known; facts that only one mapping has are left out.
    """
    both = one.keys() & other.keys()
    first = sum(one[fact] and not other[fact] for fact in both)
    second = sum(other[fact] and not one[fact] for fact in both)
    if first + second == 0:
        return first, second, 1.0
    return first, second, float(binomtest(first, first + second, 0.5).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values, in their order, corrected for there being several (Holm 1979)."""
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        corrected[place] = highest
    return corrected


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Agreement of two judges beyond chance (Cohen 1960); none where chance alone would agree always."""
    if not pairs:
        return None
    count = len(pairs)
    seen = sum(one == other for one, other in pairs) / count
    yes = sum(one for one, _ in pairs) / count, sum(other for _, other in pairs) / count
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    return None if chance >= 1 else (seen - chance) / (1 - chance)
