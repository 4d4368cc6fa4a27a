"""What several cues say again: one sentence over many cues, and rolling captions.

Both work on neighbours only. Over a whole file, a sentence said twice was said twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allotment.documents.transcripts._types import Cue
from allotment.documents.transcripts._words import split_words, spoken

_SAME_CUES = 3
_SENTENCE_WORDS = 4
_SAME_PHRASES = 5
_SAME_WORDS = 6
_EVENLY = 0.1
_OVERLAP_WORDS = 3
_ROLLING_PAIRS = 3
_ROLLING_SHARE = 0.3


@dataclass(frozen=True)
class Run:
    """Neighbouring cues with the same words: indexes, ``last`` included."""

    first: int
    last: int


def repeated(cues: Sequence[Cue], texts: Sequence[str]) -> list[Run]:
    """Runs of cues with the same words that no speaker leaves: a sentence in three, a phrase in five.

    A single word ("Ano.") is an answer that people give again and again; it is a loop in six cues at the earliest, and
    only if they follow one another as evenly as a machine.
    """
    said = [spoken(text) for text in texts]
    return [run for run in _same(cues, said) if _is_loop(cues, said[run.first], run)]


def _same(cues: Sequence[Cue], said: Sequence[tuple[str, ...]]) -> Iterator[Run]:
    first = 0
    for index in range(1, len(cues) + 1):
        goes_on = (
            index < len(cues)
            and bool(said[index])
            and said[index] == said[first]
            and cues[index].speaker == cues[first].speaker
        )
        if not goes_on:
            if index - first >= _SAME_CUES and said[first]:
                yield Run(first, index - 1)
            first = index


def _is_loop(cues: Sequence[Cue], said: tuple[str, ...], run: Run) -> bool:
    cues_in_run = run.last - run.first + 1
    if len(said) > 1:
        return cues_in_run >= (_SAME_CUES if len(said) >= _SENTENCE_WORDS else _SAME_PHRASES)
    steps = [cues[index + 1].start_ms - cues[index].start_ms for index in range(run.first, run.last)]
    middle = sorted(steps)[len(steps) // 2]
    even = middle > 0 and all(abs(step - middle) <= _EVENLY * middle for step in steps)
    return even and cues_in_run >= _SAME_WORDS


def rolled(cues: Sequence[Cue], texts: Sequence[str]) -> dict[int, str]:
    """Texts without the words that the cue before has already shown, where a file is made of rolling captions.

    It is when three cues in ten begin with at least three words that the one before ends with; then a whole caption
    carried on is taken off even if it is shorter. Else the repetition is somebody's and stays: nothing is returned.
    """
    keys = [split_words(text).keys for text in texts]
    overlaps: dict[int, int] = {}
    partial = 0
    for index in range(1, len(cues)):
        before, own = keys[index - 1], keys[index]
        if cues[index - 1].speaker != cues[index].speaker or not before or not own:
            continue
        if length := _overlap(before, own):
            overlaps[index] = length
            partial += before != own and _said(own[:length]) >= _OVERLAP_WORDS
    if partial < _ROLLING_PAIRS or partial < _ROLLING_SHARE * (len(cues) - 1):
        return {}
    return {index: _without_words(texts[index], length) for index, length in overlaps.items()}


def _overlap(before: Sequence[str], own: Sequence[str]) -> int:
    """The longest beginning of ``own`` that ``before`` ends with: three words, or all of ``before``."""
    length = _border(before, own)
    return length if _said(own[:length]) >= _OVERLAP_WORDS or (length == len(before) and any(before)) else 0


def _said(keys: Sequence[str]) -> int:
    return sum(1 for key in keys if key)


def _border(before: Sequence[str], own: Sequence[str]) -> int:
    """Length of the longest prefix of ``own`` that is a suffix of ``before``, in linear time (Knuth, Morris, Pratt)."""
    table = [0] * len(own)
    matched = 0
    for index in range(1, len(own)):
        while matched and own[index] != own[matched]:
            matched = table[matched - 1]
        matched += own[index] == own[matched]
        table[index] = matched
    matched = 0
    for word in before[-len(own) :]:
        while matched and (matched == len(own) or word != own[matched]):
            matched = table[matched - 1]
        matched += word == own[matched]
    return matched


def _without_words(text: str, words: int) -> str:
    spans = split_words(text).spans
    return text[spans[words][0] :] if words < len(spans) else ""
