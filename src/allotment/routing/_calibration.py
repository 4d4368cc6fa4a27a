"""From distances to probabilities: a few numbers, and the probability of "nobody" from which no agent is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit

from allotment.routing._features import Vector
from allotment.routing._model import Labels

_NOBODY_SHARE = 0.2
"""Weight of nobody's questions among all when the numbers are fitted, however few or many there are."""
_TRUST = 50.0
"""How much the usual numbers count, in questions: generated ones are surer than people are, and move them little."""
_BOUNDS = ((0.5, 8.0), (0.0, 8.0), (-4.0, 8.0), (0.0, 12.0))
_MOST_REJECTED = 0.02
"""Share of the agents' own held-out questions that the threshold may reject."""
_LEAST_THRESHOLD = 0.6
"""People ask in words no generated question has, so that little doubt is not enough to send them away."""


@dataclass(frozen=True)
class Calibration:
    """Nobody against the best candidate (logistic), and the candidates among themselves (softmax).

    Nobody is set against the best one alone, so that the numbers hold for three agents as for a hundred.
    """

    slope: float = 3.5
    """Scale of a candidate's distance."""
    nobody_slope: float = 2.0
    """Scale of nobody's distance."""
    nobody_offset: float = 0.5
    """Added to nobody's."""
    nearness: float = 4.0
    """Taken from nobody's for each unit of nearness to the best candidate's examples."""
    threshold: float = 0.6
    """Probability of nobody above which the question is out of scope."""

    def probabilities(self, scores: Vector, near: npt.ArrayLike) -> Vector:
        """Rows (or one row) of distances, nobody last, and how near the best candidate's examples are, 0 to 1."""
        own = scores[..., :-1] * self.slope
        best = own.max(axis=-1, keepdims=True)
        odds = np.exp(own - best)
        shift = self.nobody_offset - self.nearness * np.asarray(near)[..., None]
        nobody = expit(scores[..., -1:] * self.nobody_slope + shift - best)
        return np.concatenate([(1 - nobody) * odds / odds.sum(axis=-1, keepdims=True), nobody], axis=-1)


def fit_calibration(scores: Vector, near: Vector, labels: Labels) -> Calibration:
    """The numbers under which held-out questions are most likely, as in Platt scaling, but of several classes.

    Args:
        scores: distances of questions that were not learnt, nobody last.
        near: how near each comes to the examples of its best candidate.
        labels: their classes.
    """
    usual = Calibration()
    nobody = labels == scores.shape[1] - 1
    if not nobody.any() or nobody.all():
        return usual
    weight = np.where(nobody, _NOBODY_SHARE / nobody.sum(), (1 - _NOBODY_SHARE) / (~nobody).sum())
    start = np.array([usual.slope, usual.nobody_slope, usual.nobody_offset, usual.nearness])

    def cost(numbers: Vector) -> float:
        found = Calibration(*numbers).probabilities(scores, near)[np.arange(len(labels)), labels]
        trust = _TRUST / len(labels) * ((numbers - start) ** 2).sum()
        return float(trust - (weight * np.log(found + 1e-12)).sum())

    slope, nobody_slope, offset, nearness = minimize(cost, start, method="L-BFGS-B", bounds=_BOUNDS).x.round(4).tolist()
    fitted = Calibration(slope, nobody_slope, offset, nearness)
    own = fitted.probabilities(scores[~nobody], near[~nobody])[:, -1]
    threshold = max(_LEAST_THRESHOLD, round(float(np.quantile(own, 1 - _MOST_REJECTED)), 4))
    return replace(fitted, threshold=threshold)
