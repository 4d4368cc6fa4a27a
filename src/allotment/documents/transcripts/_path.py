"""The best way from the first to the last of many possible beginnings of chapters; exact, by dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_EVEN = 0.5
"""What a chapter loses by the squared logarithm of its length over the mean length."""
_SHORTEST = 0.25
"""The shortest chapter, in mean lengths."""

_Array = npt.NDArray[np.float64]


def best_path(gains: Sequence[float], edges: Sequence[float], count: int) -> list[int]:
    """Places from the first to the last edge that part it into at most ``count`` chapters, by highest score."""
    times = np.asarray(edges, dtype=np.float64)
    costs = _costs(times, count)
    best = np.full(len(times), -np.inf)
    best[0] = 0.0
    steps: list[npt.NDArray[np.intp]] = []
    reached = 0
    for made in range(1, count + 1):
        paths = best[:, None] + costs
        steps.append(paths.argmax(axis=0))
        best = paths.max(axis=0) + np.asarray(gains)
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
