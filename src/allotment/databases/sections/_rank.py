"""Which sections fit a question best, asked on a search account's own login: every value is a parameter.

BM25 over words that PostgreSQL's full text search stemmed: Robertson, Zaragoza: The Probabilistic Relevance Framework
(2009), k1 = 1.2, b = 0.75. All counts are over rows the account sees. ``ts_rank_cd`` knows no rarity and, in a table
with row policies, no index: an operator of full text is not leakproof, while equality of texts is.
Vectors are compared one by one, and the two orders are fused by reciprocal rank (Cormack, Clarke, Büttcher 2009).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from psycopg import Connection

from allotment.databases.sections._text import indexed

K1, B = 1.2, 0.75
FUSED = 50
"""So many of either order are fused."""
RANK_OFFSET = 60
MOST_WORDS = 64
"""Longer questions are cut."""
_LONGEST_QUESTION = 4000

_LEXEMES = "SELECT lexeme FROM unnest(to_tsvector(%s::regconfig, %s)) LIMIT %s"

_COUNTS = "SELECT word, count(*) FROM public.posting WHERE word = ANY (%s) GROUP BY word"

_RANKED = """SELECT p.section, sum(a.weight * p.frequency * (%(k1)s + 1)
        / (p.frequency + %(k1)s * (1 - %(b)s + %(b)s * p.words / a.mean))) AS score, sum(a.share)
    FROM unnest(%(words)s::text[], %(weights)s::float8[], %(shares)s::float8[], %(means)s::float8[])
      AS a (word, weight, share, mean)
    JOIN public.posting p ON p.word = a.word
    GROUP BY p.section ORDER BY score DESC, p.section LIMIT %(limit)s"""

_NEAREST = """SELECT section.key, vector.cosine_distance(section.embedding, %(vector)s::vector.vector) AS distance
    FROM public.section WHERE embedding IS NOT NULL ORDER BY 2, 1 LIMIT %(limit)s"""

Reader = Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class ReaderSet:
    """Sections of one configuration that the same roles may read."""

    readers: str
    configuration: str
    sections: int
    words: int
    digest: str


@dataclass(frozen=True)
class Ranked:
    """A section's key, its score, and the share of the question's words in it."""

    key: int
    score: float
    coverage: float


@dataclass(frozen=True)
class _Asked:
    """A word of the question, as sections of one configuration have it."""

    word: str
    weight: float
    share: float
    mean: float


def visible_sets(reader: Reader) -> list[ReaderSet]:
    """What the account sees, without looking at any section."""
    rows = reader.execute("SELECT readers, configuration, sections, words, digest FROM public.reader_set").fetchall()
    return [ReaderSet(*row) for row in rows]


def rank(
    reader: Reader, visible: Sequence[ReaderSet], question: str, vector: str | None, *, limit: int
) -> list[Ranked]:
    """The best sections, best first.

    Args:
        reader: the search account's own login.
        visible: what ``visible_sets`` gave in the same transaction.
        question: anybody's words.
        vector: the question as a vector; none leaves vectors out.
        limit: how many.
    """
    asked = _asked(reader, visible, question)
    wanted = limit if vector is None else max(limit, FUSED)
    by_words = _by_words(reader, asked, wanted)
    if vector is None:
        return by_words
    nearest = reader.execute(_NEAREST, {"vector": vector, "limit": wanted}).fetchall()
    return _fused(by_words, [key for key, _ in nearest])[:limit]


def _asked(reader: Reader, visible: Sequence[ReaderSet], question: str) -> list[_Asked]:
    lexemes = {name: _lexemes(reader, name, question) for name in sorted({item.configuration for item in visible})}
    words = [word for listed in lexemes.values() for word in listed]
    counts: dict[str, int] = dict(reader.execute(_COUNTS, [words]).fetchall())
    found: list[_Asked] = []
    for name, listed in lexemes.items():
        mine = [item for item in visible if item.configuration == name]
        total = sum(item.sections for item in mine)
        mean = max(1.0, sum(item.words for item in mine) / total)
        weights = {word: _rarity(total, counts.get(word, 0)) for word in listed}
        whole = sum(weights.values())
        found += [_Asked(word, weight, weight / whole, mean) for word, weight in weights.items()]
    return found


def _lexemes(reader: Reader, configuration: str, question: str) -> list[str]:
    text = indexed(question[:_LONGEST_QUESTION], configuration)
    rows = reader.execute(_LEXEMES, [configuration, text, MOST_WORDS]).fetchall()
    return [f"{configuration}:{lexeme}" for (lexeme,) in rows]


def _rarity(total: int, count: int) -> float:
    return log(1 + (total - count + 0.5) / (count + 0.5))


def _by_words(reader: Reader, asked: list[_Asked], limit: int) -> list[Ranked]:
    columns = {
        "words": [item.word for item in asked],
        "weights": [item.weight for item in asked],
        "shares": [item.share for item in asked],
        "means": [item.mean for item in asked],
    }
    rows = reader.execute(_RANKED, {**columns, "k1": K1, "b": B, "limit": limit}).fetchall()
    return [Ranked(key, float(score), float(share)) for key, score, share in rows]


def _fused(by_words: list[Ranked], nearest: list[int]) -> list[Ranked]:
    coverage = {item.key: item.coverage for item in by_words}
    fused: dict[int, float] = {}
    for order in ([item.key for item in by_words], nearest):
        for place, key in enumerate(order, start=1):
            fused[key] = fused.get(key, 0.0) + 1 / (RANK_OFFSET + place)
    best = sorted(fused, key=lambda key: (-fused[key], key))
    return [Ranked(key, fused[key], coverage.get(key, 0.0)) for key in best]
