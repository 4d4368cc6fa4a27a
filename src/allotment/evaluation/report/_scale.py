"""An axis: the numbers written on it, and the place of each value between its ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_TICKS = 6


@dataclass(frozen=True)
class Scale:
    """An axis from the first to the last of its ticks."""

    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """0 at the axis's begin, 1 at its end; values beyond are drawn at the ends."""
        low, high = self.ticks[0], self.ticks[-1]
        return max(0.0, min(1.0, (value - low) / (high - low)))


def scale_of(values: Sequence[float], *, from_zero: bool = False, whole: bool = False) -> Scale:
    """An axis with round numbers, ``whole`` ones if wanted, on which all values have their place."""
    bounded = [max(-1e300, min(1e300, value)) for value in values] or [0.0]
    low, high = min(bounded), max(bounded)
    low = min(low, 0.0) if from_zero else low
    if high - low <= 1e-12 * max(abs(low), abs(high), 1.0):
        low, high = low - 0.5 * max(abs(low), 1.0), high + 0.5 * max(abs(high), 1.0)
    step = _round_step((high - low) / (_TICKS - 1))
    step = float(math.ceil(step)) if whole else step  # a half of one, or two and a half, would be a part
    first, last = math.floor(low / step), math.ceil(high / step)
    return Scale(tuple(place * step for place in range(first, last + 1)))


def _round_step(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return power * next(factor for factor in (1, 2, 2.5, 5, 10, 20) if factor * power >= least * (1 - 1e-9))


def tick_text(value: float) -> str:
    """A number as it is written beside an axis."""
    return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.3g}"
