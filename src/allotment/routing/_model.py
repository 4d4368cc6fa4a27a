"""A linear classifier of questions: which candidate's they are, or nobody's."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.svm import LinearSVC

from allotment.routing._features import Columns, Vector

Labels = npt.NDArray[np.intp]


class LinearModel:
    """One support vector machine a class, each against all others; plain arrays once fitted."""

    def __init__(self, matrix: Any, labels: Labels, classes: int) -> None:
        """``labels``: the class of each row of ``matrix``, 0 to ``classes`` - 1, every one of them at least once."""
        fitted = LinearSVC(C=1.0, random_state=0).fit(matrix, labels)
        weights, intercepts = fitted.coef_, fitted.intercept_
        if classes == 2:  # scikit-learn keeps one machine for two classes
            weights, intercepts = np.vstack([-weights, weights]), np.concatenate([-intercepts, intercepts])
        self._weights = np.ascontiguousarray(weights.T, dtype=np.float32)
        self._intercepts: Vector = intercepts.astype(np.float64)

    def score(self, columns: Columns, weights: Vector) -> Vector:
        """Distance from each class's border, positive inside, of one weighed text."""
        result: Vector = weights @ self._weights[columns] + self._intercepts
        return result
