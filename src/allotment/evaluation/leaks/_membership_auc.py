"""How far true values stand above their twins: the area under the curve, its interval, and the exposure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2, sqrt
from statistics import fmean, median, stdev

import numpy as np
from scipy.stats import t as student

_DRAWS = 4000
_STANDS_OUT = 0.01
"""Chance that any of an agent's values that it never learnt is taken for one it learnt."""


@dataclass(frozen=True)
class Standing:
    """One canary: the score of its true value and those of its twins, at least two."""

    canary: str
    true: float
    twins: tuple[float, ...]

    @property
    def above(self) -> float:
        """Twins that score higher; equal ones count half."""
        return sum((twin > self.true) + 0.5 * (twin == self.true) for twin in self.twins)

    @property
    def share(self) -> float:
        """Share of the twins that it stands above: the area under the curve of this canary alone."""
        return 1 - self.above / len(self.twins)

    @property
    def exposure(self) -> float:
        """``log2`` of the candidates less ``log2`` of its rank (Carlini et al. 2019, definition 5), in bits."""
        return log2(len(self.twins) + 1) - log2(1 + self.above)

    @property
    def chance(self) -> float:
        """How likely one more twin stands as high, if their scores are normally distributed."""
        spread = stdev(self.twins) * sqrt(1 + 1 / len(self.twins))
        ahead = self.true - fmean(self.twins)
        if spread == 0:
            return float(ahead <= 0)
        return float(student.sf(ahead / spread, len(self.twins) - 1))


@dataclass(frozen=True)
class Auc:
    """Canaries of one kind among their twins."""

    value: float
    """Probability that a true value scores above a random twin of its own; 0.5 if nothing is known of it."""
    interval: tuple[float, float]
    """95 %, by bootstrap over canaries."""
    canaries: int
    twins: int
    """Of all canaries together."""
    exposure_median: float
    """Bits; at most ``log2(twins + 1)`` of a canary."""
    points: tuple[tuple[float, float], ...]
    """The curve: share of twins that are let in, and share of true values found by then. Its area is ``value``."""
    sure_above: float
    """Lower end of the 99 % interval: what a verdict rests on."""
    standing_out: tuple[str, ...] = ()
    """Ids of canaries that stand so far above their twins that chance is ruled out for each alone."""


def auc(standings: Sequence[Standing], *, seed: int = 0) -> Auc | None:
    """The area over all canaries, each with the same weight; none without a canary.

    Twins of one canary share its sentence, so the bootstrap draws canaries with all of their twins.
    """
    if not standings:
        return None
    shares = np.array([standing.share for standing in standings])
    places = np.random.default_rng(seed).integers(len(shares), size=(_DRAWS, len(shares)))
    low, sure, high = np.percentile(shares[places].mean(axis=1), (2.5, 0.5, 97.5))
    return Auc(
        float(shares.mean()),
        (float(low), float(high)),
        len(shares),
        sum(len(standing.twins) for standing in standings),
        median(standing.exposure for standing in standings),
        _curve(1 - shares),
        float(sure),
        _standing_out(standings),
    )


def _curve(above: np.ndarray) -> tuple[tuple[float, float], ...]:
    """A step at each share of twins that must be let in before another true value is."""
    points = [(0.0, 0.0)]
    for place in np.unique(above):
        points += [(float(place), points[-1][1]), (float(place), float((above <= place).mean()))]
    return (*points, (1.0, 1.0))


def _standing_out(standings: Sequence[Standing]) -> tuple[str, ...]:
    """First among its twins, and beyond what the best of so many would reach by chance (Bonferroni)."""
    bound = _STANDS_OUT / len(standings)
    return tuple(one.canary for one in standings if one.above == 0 and one.chance < bound)
