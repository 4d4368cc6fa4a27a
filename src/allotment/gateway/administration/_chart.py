"""Line charts as geometry: where lines, ticks and marks lie. Templates draw them, so that the style sheet colours them
and their words are in the reader's language."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from allotment.gateway.wording import Message
from allotment.training.record._axis import Axis, tick_text

WIDTH, HEIGHT = 540, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 26, 40

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Line:
    """A line, or dots where ``dots`` says so, with the class that colours it. One without a label is in no legend."""

    kind: str
    label: Message | str
    path: str
    dots: tuple[tuple[float, float], ...] = ()
    told: Message | str = ""
    """What it says when it is pointed at."""


@dataclass(frozen=True)
class Mark:
    """A dashed line from bottom to top, with words beside its head."""

    x: float
    label: Message | str
    at_end: bool
    """Whether the words stand to its left."""


@dataclass(frozen=True)
class Tick:
    """A round value on an axis."""

    place: float
    text: str


@dataclass(frozen=True)
class Chart:
    """Everything a template needs to draw one chart."""

    title: Message | str
    description: Message | str
    x_label: Message | str
    y_label: Message | str
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


class Frame:
    """Turns values into places of the picture."""

    def __init__(self, x: Axis, y: Axis) -> None:
        self.x_axis, self.y_axis = x, y

    def x(self, value: float) -> float:
        """Place of a value on the axis at the bottom."""
        return round(_LEFT + self.x_axis.place(value) * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        """Place of a value on the axis at the side."""
        return round(HEIGHT - _BOTTOM - self.y_axis.place(value) * (HEIGHT - _TOP - _BOTTOM), 1)

    def line(self, kind: str, label: Message | str, points: Points, told: Message | str = "") -> Line:
        """A line through the finite points; a single one is a dot."""
        places = [(self.x(x), self.y(y)) for x, y in points if math.isfinite(x) and math.isfinite(y)]
        path = " ".join(f"{'L' if number else 'M'}{x} {y}" for number, (x, y) in enumerate(places))
        return Line(kind, label, path if len(places) > 1 else "", tuple(places) if len(places) == 1 else (), told)

    def dots(self, kind: str, label: Message | str, points: Points) -> Line:
        """Dots alone."""
        return Line(kind, label, "", tuple((self.x(x), self.y(y)) for x, y in points if math.isfinite(y)))

    def mark(self, value: float, label: Message | str) -> Mark:
        """A mark at a value of the axis at the bottom."""
        x = self.x(value)
        return Mark(x, label, x > WIDTH * 0.7)

    def x_ticks(self) -> tuple[Tick, ...]:
        """Round values at the bottom."""
        return tuple(Tick(self.x(value), tick_text(value)) for value in self.x_axis.ticks)

    def y_ticks(self) -> tuple[Tick, ...]:
        """Round values at the side."""
        return tuple(Tick(self.y(value), tick_text(value)) for value in self.y_axis.ticks)
