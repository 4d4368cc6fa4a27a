"""The nearest example of one candidate: what a route quotes, and whether the role's own agent knows the subject too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from allotment.routing._features import Features
from allotment.routing._types import Candidate
from allotment.routing._words import content_words

_NEIGHBOURS = 3


class Closest:
    """Nearest neighbours by TF-IDF of the words that say what a question is about."""

    def __init__(
        self, texts: Mapping[Candidate, Sequence[str]], unquoted: Mapping[Candidate, int] | None = None
    ) -> None:
        """``unquoted``: how many of a candidate's last texts count for nearness, and are shown to nobody."""
        self._texts = {owner: tuple(mine) for owner, mine in texts.items()}
        hidden = unquoted or {}
        self._quoted = {owner: len(mine) - hidden.get(owner, 0) for owner, mine in self._texts.items()}
        self._features = Features([content_words(text) for mine in self._texts.values() for text in mine])
        matrix = self._features.matrix
        ends = np.cumsum([0, *(len(mine) for mine in self._texts.values())])
        self._rows: dict[Candidate, Any] = {
            owner: matrix[ends[number] : ends[number + 1]] for number, owner in enumerate(self._texts)
        }
        self._columns: int = matrix.shape[1]

    def vector(self, question: str) -> Any:
        """The question as ``nearest`` takes it."""
        columns, weights = self._features.weigh(content_words(question))
        vector = np.zeros(self._columns)
        vector[columns] = weights / 2  # two halves of length 1: the mean of their cosines
        return vector

    def nearest(self, vector: Any, owner: Candidate) -> tuple[float, str]:
        """How near the candidate's examples are, 0 to 1, and the nearest one that may be quoted.

        The mean of the nearest one's cosine and of the three nearest ones': one odd example does not decide.
        """
        cosines = self._rows[owner] @ vector
        near = np.sort(cosines)[-_NEIGHBOURS:].mean()
        quoted = self._texts[owner][int(cosines[: self._quoted[owner]].argmax())]
        return min(1.0, max(0.0, float(near + cosines.max()) / 2)), quoted
