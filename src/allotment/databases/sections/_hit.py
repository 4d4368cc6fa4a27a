"""What a search gives: a section, its best sentence, and how well it fits."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.documents import split_sentences, stems_of

_LONGEST_QUOTE = 300
"""Characters."""


@dataclass(frozen=True)
class Hit:
    """A section that a search found; the granted agent's roles may all read it."""

    section_id: str
    document: str
    heading: str
    quote: str
    """The sentence of the section that has most of the question's words, at most 300 characters."""
    score: float
    """Higher is better, within one search alone: BM25, or the sum of reciprocal ranks where embeddings are used."""
    coverage: float
    """Share of the question's words that stand in the section, weighted by their rarity, 0 to 1."""


def best_sentence(text: str, question: str) -> str:
    """The first sentence that has as many of the question's words as any other, cut where it is too long."""
    asked = set(stems_of(question))
    sentences = split_sentences(text) or [text]
    best = max(sentences, key=lambda sentence: len(asked.intersection(stems_of(sentence)))).strip()
    return best if len(best) <= _LONGEST_QUOTE else best[: _LONGEST_QUOTE - 1].rstrip() + "…"
