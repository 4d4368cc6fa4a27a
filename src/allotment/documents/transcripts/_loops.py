"""Loops inside one cue: a recogniser that has lost the speech says the same syllable, word or phrase over and over.

People repeat themselves as well, so what counts as a loop depends on what is repeated: "no, no, no" and laughter are
speech, four bare words in a row are not. Numbers are never a loop: they may be somebody's telephone number.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from allotment.documents.transcripts._notes import quote
from allotment.documents.transcripts._words import split_words

_SYLLABLES = re.compile(r"([^\W\d_]{1,20}?)\1{5,}", re.IGNORECASE)
_LOOPED_LETTERS = 16
_BARE_WORDS = 4
_WORDS = 8
_LONGEST_PHRASE = 40
_FEWEST_COPIES = 3
"""Of a phrase of six words and more; shorter ones need four."""
_COMPRESSION = 2.4
"""Above this ratio Whisper takes its own text for a loop (openai/whisper, ``transcribe.py``)."""
_COMPRESSED_BYTES = range(200, 1001)
"""Where the ratio tells something: headers weigh on shorter texts, and in longer ones all speech repeats itself."""
_NUMERAL_WORDS = """
    zero oh one two three four five six seven eight nine ten double triple
    nula jedna jeden jedno dva dvě dve tři tri čtyři štyri pět päť šest šesť sedm sedem osm osem devět deväť deset desať
    null eins zwei drei vier fünf sechs sieben acht neun zehn
"""
_NUMERALS = frozenset(_NUMERAL_WORDS.split())


@dataclass(frozen=True)
class _Loop:
    first: int
    """Index of the first word of the first copy."""
    length: int
    """Words in one copy."""
    copies: int


def collapse(text: str) -> tuple[str, list[str]]:
    """The text with one copy of each loop (two of a syllable's), and what was looped, as read.

    Collapsing what comes out changes nothing more.
    """
    told: list[str] = []
    while True:
        shorter = _collapse_phrases(_collapse_syllables(text, told), told)
        if shorter == text:
            return text, told
        text = shorter


def reads_as_loop(text: str) -> bool:
    """Whether a text repeats itself as no speech does, by how far it can be compressed."""
    raw = text.encode("utf-8", errors="replace")[: _COMPRESSED_BYTES[-1]]
    return len(raw) in _COMPRESSED_BYTES and len(raw) > _COMPRESSION * len(zlib.compress(raw))


def _collapse_syllables(text: str, told: list[str]) -> str:
    def shorter(found: re.Match[str]) -> str:
        if len(found[0]) < _LOOPED_LETTERS:
            return found[0]
        unit = len(found[1])
        told.append(f"{quote(found[1], 30)} {len(found[0]) // unit} times within a word; two kept")
        return found[0][: 2 * unit]

    return _SYLLABLES.sub(shorter, text)


def _collapse_phrases(text: str, told: list[str]) -> str:
    words = split_words(text)
    if max(Counter(words.keys).values(), default=0) < _FEWEST_COPIES:
        return text
    kept, position = [], 0
    for loop in _loops(text, words.spans, words.keys):
        end_of_copy = words.spans[loop.first + loop.length - 1][1]
        end_of_loop = words.spans[loop.first + loop.length * loop.copies - 1][1]
        kept.append(text[position:end_of_copy])
        position = end_of_loop
        told.append(f"{quote(text[words.spans[loop.first][0] : end_of_copy], 40)} {loop.copies} times; one kept")
    return "".join(kept) + text[position:]


def _loops(text: str, spans: Sequence[tuple[int, int]], keys: Sequence[str]) -> Iterator[_Loop]:
    """Loops that do not overlap, in order; of overlapping ones that with the shorter phrase."""
    found = [*_single_words(text, spans, keys)]
    for length in range(2, min(_LONGEST_PHRASE, len(keys) // _FEWEST_COPIES) + 1):
        found += _phrases(keys, length)
    behind = 0
    for loop in sorted(found, key=lambda loop: (loop.first, loop.length)):
        if loop.first >= behind:
            yield loop
            behind = loop.first + loop.length * loop.copies


def _single_words(text: str, spans: Sequence[tuple[int, int]], keys: Sequence[str]) -> Iterator[_Loop]:
    for first, last in _runs([a == b for a, b in pairwise(keys)]):
        key, copies = keys[first], last - first + 1
        if not key or _numeral(key):
            continue
        if copies >= _WORDS:
            yield _Loop(first, 1, copies)
        elif len(key) >= 3:
            bare = [text[spans[index][1] - 1].isalnum() for index in range(first, last)]
            yield from (_Loop(first + a, 1, b - a + 1) for a, b in _runs(bare) if b - a + 1 >= _BARE_WORDS)


def _phrases(keys: Sequence[str], length: int) -> Iterator[_Loop]:
    needed = _FEWEST_COPIES if length >= 6 else _FEWEST_COPIES + 1
    for first, last in _runs([a == b for a, b in zip(keys, keys[length:], strict=False)]):
        copies = (last - first) // length + 1
        unit = keys[first : first + length]
        said = {key for key in unit if key}
        if copies >= needed and len(said) > 1 and not all(_numeral(key) for key in said):
            yield _Loop(first, length, copies)


def _runs(same: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Runs of true values, as the index of the first and that behind the last."""
    start = -1
    for index, value in enumerate(same):
        if value and start < 0:
            start = index
        elif not value and start >= 0:
            yield start, index
            start = -1
    if start >= 0:
        yield start, len(same)


def _numeral(key: str) -> bool:
    return key in _NUMERALS or any(char.isdigit() for char in key)
