"""What chapters are measured against: no cuts, even cuts, random cuts, and divisive clustering of TF-IDF blocks.

The last follows the idea of TreeSeg (arXiv 2407.12028) with the words themselves in place of embeddings: each cue
stands for itself and the cues before it, and the transcript is split again and again where two means fit it best.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer

from allotment.documents.transcripts import Cue

BLOCK, SMALLEST = 5, 5
"""Cues of a block, and of the smallest segment, as TreeSeg has them."""

_Array = npt.NDArray[np.float64]


def even_cuts(cues: Sequence[Cue], count: int, end_s: float) -> list[int]:
    """First cues of ``count`` chapters of equal length in time."""
    starts = np.array([cue.start_ms / 1000 for cue in cues])
    goals = [starts[0] + (end_s - starts[0]) * step / count for step in range(1, count)]
    return sorted({int(np.abs(starts[1:] - goal).argmin()) + 1 for goal in goals})


def random_cuts(cues: Sequence[Cue], count: int, seed: int) -> list[int]:
    """First cues of ``count`` chapters, drawn by chance."""
    return sorted(random.Random(seed).sample(range(1, len(cues)), count - 1))


def treeseg_cuts(cues: Sequence[Cue], count: int) -> list[int]:
    """First cues of ``count`` chapters by divisive clustering of TF-IDF blocks."""
    blocks = [" ".join(cue.text for cue in cues[max(0, at - BLOCK + 1) : at + 1]) for at in range(len(cues))]
    vectors = TfidfVectorizer().fit_transform(blocks).toarray()
    sums = np.vstack([np.zeros(vectors.shape[1]), np.cumsum(vectors, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum((vectors**2).sum(axis=1))])
    leaves = [_best_split(sums, squares, 0, len(cues))]
    cuts: list[int] = []
    while len(cuts) < count - 1:
        leaf = max(leaves, key=lambda one: one[0])
        if leaf[0] < 0:
            break
        _, start, at, end = leaf
        leaves.remove(leaf)
        leaves += [_best_split(sums, squares, start, at), _best_split(sums, squares, at, end)]
        cuts.append(at)
    return sorted(cuts)


def _best_split(sums: _Array, squares: _Array, start: int, end: int) -> tuple[float, int, int, int]:
    """What splitting a segment gains at best, the segment's start, where, and its end; the gain is -1 for none."""

    def error(first: int, last: int) -> float:
        total = sums[last] - sums[first]
        return float(squares[last] - squares[first] - total @ total / (last - first))

    places = range(start + SMALLEST, end - SMALLEST + 1)
    gains = [(error(start, end) - error(start, at) - error(at, end), start, at, end) for at in places]
    return max(gains, default=(-1.0, start, start, end))
