"""Cutting a transcript into chapters, without a model and in any language.

Every cue gets a score as the beginning of a chapter: how new its words are, what its speaker marks, how long the
silence before it is. The chapters are then those whose beginnings score most in all, against a mild wish for even
lengths; how many there are follows from how long the speech is. Exact, by dynamic programming.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from allotment.documents.transcripts._cohesion import novelty
from allotment.documents.transcripts._discourse import broken_sentences, marks
from allotment.documents.transcripts._pauses import paces, pauses
from allotment.documents.transcripts._types import Chapter, Cue

_MARK, _PAUSE_S, _BROKEN = 1.2, 0.7, 2.0
"""What a mark, a second of pause, and a cut through a sentence weigh against a standard deviation of novelty."""
_EVEN = 0.5
"""What a chapter loses by the squared logarithm of its length over the mean length."""
_SHORTEST = 0.25
"""The shortest chapter, in mean lengths."""
_COUNT, _GROWTH = 1.35, 0.65
"""Chapters of a talk of one minute, and the power by which they grow: longer talks have longer chapters."""
_MOST_CHAPTERS = 200
_CANDIDATES = 12
"""Beginnings looked at for every chapter made."""

_Array = npt.NDArray[np.float64]


def chapter_count(seconds: float) -> int:
    """Chapters for so much speech: 4 for 5 minutes, 19 for an hour, 35 for two and a half; at most 200."""
    fitting = _COUNT * math.pow(seconds / 60, _GROWTH)
    return min(max(1, round(fitting)), _MOST_CHAPTERS)


def segment(cues: Sequence[Cue], count: int | None = None) -> list[Chapter]:
    """Chapters over all ``cues``, in order and without gaps; none for no cues.

    Args:
        cues: in file order, times in milliseconds.
        count: chapters wanted; none takes what fits the length of the speech. There are fewer where that many
            would be shorter than a quarter of the mean length.
    """
    if not cues:
        return []
    elapsed = np.array(list(accumulate(paces(cues), initial=0.0)))
    wanted = min(count or chapter_count(float(elapsed[-1])), len(cues))
    scores = _scores(cues)
    candidates = heapq.nlargest(_CANDIDATES * wanted, range(1, len(cues)), key=lambda at: (scores[at], -at))
    edges = [0, *sorted(candidates), len(cues)]
    gains = np.array([0.0, *(scores[at] for at in edges[1:-1]), 0.0])
    chosen = [edges[place] for place in _best_path(gains, elapsed[edges], wanted)]
    return [Chapter(first, after - 1) for first, after in pairwise(chosen)]


def _scores(cues: Sequence[Cue]) -> list[float]:
    """How well each cue would begin a chapter."""
    parts = zip(novelty(cues), marks(cues), pauses(cues), broken_sentences(cues), strict=True)
    return [new + _MARK * mark + _PAUSE_S * pause - _BROKEN * broken for new, mark, pause, broken in parts]


def _best_path(gains: _Array, times: _Array, count: int) -> list[int]:
    """Places from the first to the last edge that part it into at most ``count`` chapters, by highest score."""
    costs = _costs(times, count)
    best = np.full(len(times), -np.inf)
    best[0] = 0.0
    steps: list[npt.NDArray[np.intp]] = []
    reached = 0
    for made in range(1, count + 1):
        paths = best[:, None] + costs
        steps.append(paths.argmax(axis=0))
        best = paths.max(axis=0) + gains
        reached = made if np.isfinite(best[-1]) else reached
    return _walk_back(steps[:reached]) if reached else [0, len(times) - 1]


def _costs(times: _Array, count: int) -> _Array:
    """What a chapter from each edge to each other costs, as a negative score; minus infinity where it is too short."""
    mean = max(float(times[-1] - times[0]) / count, 1e-6)
    lengths = (times[None, :] - times[:, None]) / mean
    forward = np.arange(len(times))[:, None] < np.arange(len(times))[None, :]
    long_enough = forward & (lengths >= _SHORTEST)
    return np.where(long_enough, -_EVEN * np.log(np.where(long_enough, lengths, 1.0)) ** 2, -np.inf)


def _walk_back(steps: Sequence[npt.NDArray[np.intp]]) -> list[int]:
    places = [len(steps[-1]) - 1]
    for step in reversed(steps):
        places.append(int(step[places[-1]]))
    return places[::-1]
