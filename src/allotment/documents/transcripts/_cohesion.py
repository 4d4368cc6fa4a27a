"""How much the words change at each cue: the lexical side of a change of topic.

Compares the words before a cue with those after it, as TextTiling does (Hearst, 1997), over windows of several
sizes, each word weighted by how few parts of the transcript it occurs in. Knows no language: only how often what
is said again. A window is moved word by word, so the time grows with the transcript and no faster.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from statistics import fmean, pstdev

from allotment.documents.transcripts._stems import stems
from allotment.documents.transcripts._types import Cue

_WINDOWS = (20, 60, 150)
"""Words on either side: a remark, a paragraph, a topic."""
_PART = 40
"""Words of the parts among which a word is rare or common."""


def novelty(cues: Sequence[Cue]) -> list[float]:
    """How new the words from each cue on are, in standard deviations from the transcript's mean; 0 for the first."""
    units = [[*stems(cue.text), *_voice(cue)] for cue in cues]
    weights = _rarity([stem for unit in units for stem in unit])
    changes = [_standard(_changes(units, weights, size)) for size in _WINDOWS]
    return _standard([fmean(values) for values in zip(*changes, strict=True)])


def _voice(cue: Cue) -> list[str]:
    return [f"<{cue.speaker}>"] if cue.speaker else []


def _rarity(words: Sequence[str]) -> dict[str, float]:
    parts = [set(words[start : start + _PART]) for start in range(0, len(words), _PART)]
    spread = Counter(word for part in parts for word in part)
    return {word: math.log((len(parts) + 1) / (count + 0.5)) for word, count in spread.items()}


def _changes(units: Sequence[Sequence[str]], weights: dict[str, float], size: int) -> list[float]:
    """1 minus the cosine of what is said before and after each cue; 0 for the first."""
    words = [word for unit in units for word in unit]
    starts = list(accumulate((len(unit) for unit in units), initial=0))[:-1]
    windows = _Windows(words, weights, size)
    return [0.0, *(windows.change_at(place) for place in starts[1:])] if units else []


class _Windows:
    """The words on the left and on the right of a place that only moves forward."""

    def __init__(self, words: Sequence[str], weights: dict[str, float], size: int) -> None:
        self._words, self._weights, self._size = words, weights, size
        self._counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._lengths = [0.0, 0.0]
        self._product = 0.0
        self._place = 0
        for word in words[:size]:
            self._put(1, word, 1)

    def change_at(self, place: int) -> float:
        while self._place < place:
            self._step()
        norm = math.sqrt(max(self._lengths[0], 0.0) * max(self._lengths[1], 0.0))
        return 1 - min(self._product / norm, 1.0) if norm > 1e-9 else 1.0

    def _step(self) -> None:
        here = self._place
        self._put(1, self._words[here], -1)
        self._put(0, self._words[here], 1)
        if here >= self._size:
            self._put(0, self._words[here - self._size], -1)
        if here + self._size < len(self._words):
            self._put(1, self._words[here + self._size], 1)
        self._place += 1

    def _put(self, side: int, word: str, times: int) -> None:
        """Counts weigh by their square root: a word said ten times is not ten times the topic."""
        weight, own, other = self._weights[word], self._counts[side], self._counts[1 - side]
        before = math.sqrt(own[word])
        own[word] += times
        self._product += weight * (math.sqrt(own[word]) - before) * math.sqrt(other[word])
        self._lengths[side] += weight * times


def _standard(values: Sequence[float]) -> list[float]:
    rest = values[1:]
    spread = pstdev(rest) if rest else 0.0
    if spread < 1e-9:
        return [0.0] * len(values)
    mean = fmean(rest)
    return [0.0, *((value - mean) / spread for value in rest)]
