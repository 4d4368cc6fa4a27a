"""Hashed n-grams of characters and words, computed with arrays: no vocabulary, no loop over n-grams, linear.

The hash is our own arithmetic on code points, the same on every machine and in every process. Features are counted
and divided by the root of their number, so a part of a text is scored from running sums of what its places weigh.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

VERSION = 2
"""Changes whenever a text would give other features; an artefact made for another version is not loaded."""
CHARACTERS = (3, 4, 5)
"""Lengths of character n-grams; they cross words, and a text is framed by one space on each side."""
WORDS = (1, 2, 3)
"""Lengths of word n-grams."""
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xD6E8FEB86659FD93)

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Features:
    """Features of one folded text: where each begins, and its place among ``2**bits`` weights."""

    positions: Indices
    indices: Indices
    length: int
    """Characters of the framed text."""


@lru_cache(maxsize=8)
def features(text: str, bits: int) -> Features:
    """All n-grams of a folded text (``Form.whole``), repeated ones as often as they stand there.

    The last few are kept, since each head of the classifier asks for the same.
    """
    codes = np.frombuffer(f" {text} ".encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    characters, words = _characters(codes), _words(codes)
    hashes = [(values ^ np.uint64(size)) * _MIX for size, _, values in (*characters, *words)]
    mixed = np.concatenate(hashes)
    mixed ^= mixed >> np.uint64(29)
    indices = ((mixed * _BASE) >> np.uint64(65 - bits)).astype(np.int64)
    indices[sum(len(starts) for _, starts, _ in characters) :] += first_word(bits)
    return Features(np.concatenate([starts for _, starts, _ in (*characters, *words)]), indices, len(codes))


def first_word(bits: int) -> int:
    """Words have the upper half of the ``2**bits`` weights, so that training can count them for more."""
    return 1 << (bits - 1)


def _characters(codes: NDArray[np.uint64]) -> list[tuple[int, Indices, NDArray[np.uint64]]]:
    found = []
    rolling = codes
    for size in range(1, max(CHARACTERS) + 1):
        if size > 1:
            rolling = rolling[:-1] * _BASE + codes[size - 1 :] if len(rolling) else rolling
        if size in CHARACTERS:
            found.append((size, np.arange(len(rolling)), rolling))
    return found


def _words(codes: NDArray[np.uint64]) -> list[tuple[int, Indices, NDArray[np.uint64]]]:
    """Words are what stands between two spaces and other marks below the letters, hashed each, then in sequence."""
    inside = _is_word(codes)
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return []
    weighed = codes * _powers(_BASE, len(codes))
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(weighed, dtype=np.uint64)))
    # A word's sum starts at the power of its place; the inverse power brings it to that of place 0.
    words = (sums[ends] - sums[starts]) * _powers(_INVERSE, len(codes))[starts]
    found = []
    rolling = words
    for size in WORDS:
        if size > 1:
            rolling = rolling[:-1] * _MIX + words[size - 1 :] if len(rolling) else rolling
        found.append((100 + size, starts[: len(rolling)], rolling))
    return found


def _is_word(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    letters = (codes >= 97) & (codes <= 122)
    digits = (codes >= 48) & (codes <= 57)
    inside: NDArray[np.bool_] = letters | digits | (codes > 191) | (codes == 39)
    return inside


_INVERSE = np.uint64(pow(int(_BASE), -1, 2**64))


@lru_cache(maxsize=32)
def _table(factor: np.uint64, count: int) -> NDArray[np.uint64]:
    return np.multiply.accumulate(np.concatenate((np.ones(1, np.uint64), np.full(count - 1, factor))))


def _powers(factor: np.uint64, count: int) -> NDArray[np.uint64]:
    """Powers 0 to ``count`` - 1; tables grow in steps, so that few are made."""
    return _table(factor, max(1 << (count - 1).bit_length(), 1024))[:count]
