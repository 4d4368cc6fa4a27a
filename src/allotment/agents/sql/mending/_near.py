"""The one name that another was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz

from allotment.agents.sql._vocabulary import likeness, stem, words

_LEAST = 80.0
"""Of 100: the least likeness of spelling."""
_AHEAD = 4.0
"""How much nearer the nearest must be than the next."""


def nearest(name: str, known: Iterable[str], *, least: float = _LEAST) -> str | None:
    """The known name of the same words, else the one whose spelling is nearest; none where two are about as near."""
    candidates = sorted(set(known))
    plain = [stem(word) for word in words(name)]
    same = [other for other in candidates if [stem(word) for word in words(other)] == plain]
    if len(same) == 1:
        return same[0]
    ranked = sorted(((_nearness(name, other), other) for other in candidates), reverse=True)[:2]
    if not ranked or ranked[0][0] < least or (len(ranked) > 1 and ranked[0][0] - ranked[1][0] < _AHEAD):
        return None
    return ranked[0][1]


def _nearness(name: str, other: str) -> float:
    spelt = fuzz.ratio("".join(words(name)), "".join(words(other)))
    said, meant = words(name), words(other)
    if not said or not meant:
        return spelt
    shared = sum(max(likeness(word, one) for one in meant) for word in said) / max(len(said), len(meant))
    return max(spelt, 100.0 * shared)
