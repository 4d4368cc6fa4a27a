"""The time of a transcript: how long its speech takes, and where it pauses."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from allotment.documents.transcripts._types import Cue

_SILENCE_S = 30.0
"""A cue with what follows it counts for no more than this: a recorder left running is not a longer talk."""
_FASTEST_S, _SLOWEST_S = 0.15, 0.6
"""Seconds a spoken word takes at least and, in a long cue, at most: broken times cannot hide or invent speech."""
_LONGEST_PAUSE_S = 2.0
"""A longer pause says no more: work on a screen has long ones in the middle of a topic."""


def paces(cues: Sequence[Cue]) -> list[float]:
    """Seconds each cue takes, with the silence after it, in the speech of the transcript."""
    starts = [cue.start_ms for cue in cues]
    ends = [*starts[1:], cues[-1].end_ms] if cues else []
    return [_pace(cue, (end - start) / 1000) for cue, start, end in zip(cues, starts, ends, strict=True)]


def _pace(cue: Cue, seconds: float) -> float:
    words = len(cue.text.split())
    return min(max(seconds, _FASTEST_S * words), max(_SILENCE_S, _SLOWEST_S * words))


def pauses(cues: Sequence[Cue]) -> list[float]:
    """Seconds of silence before each cue, 0 for the first, at most two."""
    gaps = [(after.start_ms - before.end_ms) / 1000 for before, after in pairwise(cues)]
    return [0.0, *(min(max(gap, 0.0), _LONGEST_PAUSE_S) for gap in gaps)][: len(cues)]
