"""Axes of a plot: where a value lies between the ends, and at which round values the ticks are."""

from __future__ import annotations

import math
from dataclasses import dataclass

_ROUND = (1.0, 2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``; ``ticks`` are the round values to name."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def place(self, value: float) -> float:
        """0 at the low end, 1 at the high end; what lies outside is drawn at the end."""
        inside = min(self.high, max(self.low, value))
        if self.is_log:
            return math.log(inside / self.low) / math.log(self.high / self.low)
        return (inside - self.low) / (self.high - self.low)


def step_axis(first: int, last: int, ticks: int = 8) -> Axis:
    """Whole numbers, from the first step to the last."""
    if first >= last:
        return Axis(first - 0.5, first + 0.5, (float(first),))
    size = max(1.0, _round_up((last - first) / ticks))
    numbers = range(math.ceil(first / size), math.floor(last / size) + 1)
    return Axis(first, last, tuple(number * size for number in numbers))


def value_axis(low: float, high: float, ticks: int = 5) -> Axis:
    """Round ends around the values; from zero where that leaves most of the height to them."""
    if high - low <= max(1e-12, 1e-6 * max(abs(low), abs(high))):
        room = abs(low) / 2 or 1.0
        low, high = low - room, high + room
    if 0 <= low < 0.35 * high:
        low = 0.0
    size = _round_up((high - low) / ticks)
    first, last = math.floor(low / size), math.ceil(high / size)
    return Axis(first * size, last * size, tuple(number * size for number in range(first, last + 1)))


def log_axis(low: float, high: float) -> Axis:
    """Powers of ten, with 2 and 5 between them where there are few. Both ends must be above zero."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    parts = (1, 2, 5) if last - first <= 3 else (1,)
    rounds = [part * 10.0**power for power in range(first, last + 1) for part in parts]
    below = max((value for value in rounds if value <= low), default=low)
    above = min((value for value in rounds if value >= high), default=high)
    return Axis(below, above, tuple(value for value in rounds if below <= value <= above), is_log=True)


def tick_text(value: float) -> str:
    """A tick's number as a reader wants it: 0.05, 250, 100,000."""
    if abs(value) >= 10_000 and float(value).is_integer() and abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:.10g}"


def _round_up(size: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(size))
    return next(part * power for part in _ROUND if part * power >= size * (1 - 1e-9))
