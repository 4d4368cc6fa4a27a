"""Similarity of a question to the examples of a few candidates: nearest neighbours by characters and by words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allotment.routing._features import Features
from allotment.routing._types import Candidate, Examples
from allotment.routing._words import content_words

_NEIGHBOURS = 3


@dataclass(frozen=True)
class Scored:
    """One candidate and how near a question is to its examples."""

    candidate: Candidate
    score: float
    """Mean of the nearest example's cosine and the mean cosine of the three nearest, 0 to 1."""
    closest: str
    """The nearest example."""


class Index:
    """The examples of some candidates, ready to be compared with; knows nothing of any other candidate."""

    def __init__(self, examples: Examples) -> None:
        mine = {owner: [text for text in texts if content_words(text)] for owner, texts in sorted(examples.items())}
        self._texts = {owner: texts for owner, texts in mine.items() if texts}
        every = [content_words(text) for texts in self._texts.values() for text in texts]
        # Characters catch inflection, compounds and typing errors; words keep apart what only looks alike.
        self._features = (Features(every, "char_wb", (2, 5)), Features(every, "word", (1, 2))) if every else ()

    def score(self, question: str) -> list[Scored]:
        """Every candidate that has examples, in a fixed order."""
        if not self._features:
            return []
        words = content_words(question)
        cosines = np.mean([features.cosines(words) for features in self._features], axis=0)
        ends = np.cumsum([len(texts) for texts in self._texts.values()])
        parts = np.split(cosines, ends[:-1])
        return [_scored(owner, self._texts[owner], part) for owner, part in zip(self._texts, parts, strict=True)]


def _scored(owner: Candidate, texts: list[str], cosines: npt.NDArray[np.float64]) -> Scored:
    best = int(cosines.argmax())
    near = np.sort(cosines)[-_NEIGHBOURS:]
    score = float((near.mean() + cosines[best]) / 2)
    return Scored(owner, min(1.0, max(0.0, score)), texts[best])
