"""Pairs that come nearest to questions whose answers were called wrong: where a reviewer looks first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sklearn.feature_extraction.text import TfidfVectorizer

from allotment.dataset._text import normalise
from allotment.dataset._types import Item

MOST_PAIRS = 8
"""Pairs shown for one question."""
_NEAR = 0.3
"""Cosine of TF-IDF below which a pair is about something else."""


def flagged_pairs(items: Sequence[Item], questions: Iterable[str]) -> Mapping[str, list[str]]:
    """Pair → the questions it comes near to; a question nothing is near to is under no pair.

    Args:
        items: all pairs of one agent.
        questions: as users asked them.
    """
    asked = list(dict.fromkeys(questions))
    if not items or not asked:
        return {}
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    learnt = vectors.fit_transform([normalise(f"{item.question} {item.answer}") for item in items])
    cosines = (vectors.transform([normalise(text) for text in asked]) @ learnt.T).toarray()
    found: dict[str, list[str]] = {}
    for text, row in zip(asked, cosines, strict=True):
        for place in row.argsort()[::-1][:MOST_PAIRS]:
            if row[place] >= _NEAR:
                found.setdefault(items[place].id, []).append(text)
    return found
