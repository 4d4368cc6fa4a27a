"""TF-IDF of a fixed set of texts, and of one more text in a fraction of a millisecond."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer

_WORD = r"(?u)\b\w+\b"

Vector = npt.NDArray[np.float64]
Columns = npt.NDArray[np.intp]


class Features:
    """Words (1 to 2) and characters within words (2 to 5) of folded texts, each half of length 1.

    Characters catch inflection, compounds and typing errors; words keep apart what only looks alike. scikit-learn
    fits them; one question is weighed as its ``transform`` does, without the overhead.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        words = TfidfVectorizer(analyzer="word", ngram_range=(1, 2), token_pattern=_WORD, sublinear_tf=True)
        characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        self.matrix: Any = hstack([words.fit_transform(texts), characters.fit_transform(texts)]).tocsr()
        """One row a text."""
        self._halves = (_Half(words, 0), _Half(characters, len(words.vocabulary_)))

    def weigh(self, text: str) -> tuple[Columns, Vector]:
        """The columns of ``text`` that any fitted text has, and its weights there."""
        columns, weights = zip(*(half.weigh(text) for half in self._halves), strict=True)
        return np.concatenate(columns), np.concatenate(weights)


class _Half:
    def __init__(self, fitted: TfidfVectorizer, first: int) -> None:
        self._vocabulary: dict[str, int] = fitted.vocabulary_
        self._idf: Vector = fitted.idf_
        self._terms: Callable[[str], list[str]] = fitted.build_analyzer()
        self._first = first

    def weigh(self, text: str) -> tuple[Columns, Vector]:
        vocabulary = self._vocabulary
        found = Counter(vocabulary[term] for term in self._terms(text) if term in vocabulary)
        columns = np.fromiter(found.keys(), dtype=np.intp, count=len(found))
        counts = np.fromiter(found.values(), dtype=np.float64, count=len(found))
        weights: Vector = (1 + np.log(counts)) * self._idf[columns]
        length = float(np.sqrt(weights @ weights))
        return columns + self._first, weights / length if length else weights
