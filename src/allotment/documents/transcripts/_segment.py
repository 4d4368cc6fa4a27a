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

from allotment.documents.transcripts._cohesion import novelty
from allotment.documents.transcripts._discourse import broken_sentences, marks
from allotment.documents.transcripts._pauses import paces, pauses
from allotment.documents.transcripts._types import Chapter, Cue

_MARK, _PAUSE_S, _BROKEN = 1.2, 0.7, 2.0
"""What a mark, a second of pause, and a cut through a sentence weigh against a standard deviation of novelty."""
_COUNT, _GROWTH = 1.35, 0.65
"""Chapters of a talk of one minute, and the power by which they grow: longer talks have longer chapters."""
_MOST_CHAPTERS = 200
_CANDIDATES = 12
"""Beginnings looked at for every chapter made."""


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
    from allotment.documents.transcripts._path import best_path  # numpy: only whoever cuts needs it

    elapsed = list(accumulate(paces(cues), initial=0.0))
    wanted = min(count or chapter_count(elapsed[-1]), len(cues))
    scores = _scores(cues)
    candidates = heapq.nlargest(_CANDIDATES * wanted, range(1, len(cues)), key=lambda at: (scores[at], -at))
    edges = [0, *sorted(candidates), len(cues)]
    gains = [0.0, *(scores[at] for at in edges[1:-1]), 0.0]
    chosen = [edges[place] for place in best_path(gains, [elapsed[edge] for edge in edges], wanted)]
    return [Chapter(first, after - 1) for first, after in pairwise(chosen)]


def _scores(cues: Sequence[Cue]) -> list[float]:
    """How well each cue would begin a chapter."""
    parts = zip(novelty(cues), marks(cues), pauses(cues), broken_sentences(cues), strict=True)
    return [new + _MARK * mark + _PAUSE_S * pause - _BROKEN * broken for new, mark, pause, broken in parts]
