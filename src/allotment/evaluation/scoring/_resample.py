"""How sure a mean is, and whether two means of the same questions differ: by resampling facts, and by exact tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from allotment.evaluation.scoring._score import wilson_interval

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


def share_interval(values: Sequence[bool], clusters: Sequence[str]) -> Interval | None:
    """As ``cluster_interval``, of a share; Wilson's over the clusters where all are alike."""
    found = cluster_interval([float(value) for value in values], clusters)
    if found is None or found[0] != found[1]:
        return found
    alike, count = found[0], len(set(clusters))
    return wilson_interval(round(alike * count), count) if alike in (0.0, 1.0) else found


def agreement_intervals(pairs: Sequence[tuple[bool, bool]]) -> tuple[Interval | None, Interval | None]:
    """95 % intervals of the share of pairs that agree and of their kappa, by the same bootstrap over pairs.

    Resamples without a kappa are left out.
    """
    if not pairs:
        return None, None
    drawn = np.array(pairs, dtype=np.float64)[_draws(len(pairs))]
    seen = (drawn[:, :, 0] == drawn[:, :, 1]).mean(axis=1)
    one, other = drawn[:, :, 0].mean(axis=1), drawn[:, :, 1].mean(axis=1)
    chance = one * other + (1 - one) * (1 - other)
    known = chance < 1
    beyond = (seen[known] - chance[known]) / (1 - chance[known])
    return _percentiles(seen), _percentiles(beyond) if len(beyond) else None


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
