"""TF-IDF of a fixed set of texts, and the cosine of one more text with each of them, in well under a millisecond."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer

Vector = npt.NDArray[np.float64]


class Features:
    """Texts fitted by scikit-learn; one question is weighed as its ``transform`` does, without the overhead."""

    def __init__(self, texts: Sequence[str], analyzer: Literal["word", "char_wb"], ngrams: tuple[int, int]) -> None:
        vectorizer = TfidfVectorizer(
            analyzer=analyzer, ngram_range=ngrams, token_pattern=r"(?u)\b\w+\b" if analyzer == "word" else None,
            sublinear_tf=True,
        )  # fmt: skip
        self._matrix: Any = vectorizer.fit_transform(texts).tocsr()
        self._vocabulary: dict[str, int] = vectorizer.vocabulary_
        self._idf: Vector = vectorizer.idf_
        self._terms: Callable[[str], list[str]] = vectorizer.build_analyzer()

    def cosines(self, text: str) -> Vector:
        """The cosine of ``text`` with each fitted text, in their order."""
        result: Vector = self._matrix @ self._vector(text)
        return result

    def _vector(self, text: str) -> Vector:
        counts = Counter(term for term in self._terms(text) if term in self._vocabulary)
        vector = np.zeros(len(self._vocabulary))
        for term, count in counts.items():
            column = self._vocabulary[term]
            vector[column] = (1 + np.log(count)) * self._idf[column]
        length = float(np.linalg.norm(vector))
        return vector / length if length else vector
