"""Parallel coordinates: an axis for each setting and for what came out, a line for each run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from allotment.experiments._expand import described, value_text
from allotment.experiments._picture import HEIGHT, WIDTH, colour, path, svg, text
from allotment.experiments._rows import Row
from allotment.experiments._table import Table
from allotment.training.record._figures import figure

_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 70, 56, 34
_LOG_FROM = 8.0
"""Positive numbers that differ by more than this factor stand on a logarithmic axis."""


@dataclass(frozen=True)
class _Axis:
    name: str
    ticks: tuple[tuple[float, str], ...]
    """Place between 0 and 1, and what stands there."""
    place: Callable[[Row], float | None]


def parallel_plot(table: Table) -> str:
    """The picture, as the text of an SVG element; runs that gave nothing to decide by end at their settings."""
    axes = [*(_setting_axis(table, name) for name in table.settings), *_outcome_axes(table)]
    if not axes:
        return svg(
            "parallel", "Settings and outcomes", "Nothing varies.", [text(WIDTH / 2, HEIGHT / 2, "nothing varies")]
        )
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(axes) - 1)
    at = [_LEFT + step * number for number in range(len(axes))]
    best = _best_places(table)
    parts = [part for x, axis in zip(at, axes, strict=True) for part in _drawn(x, axis)]
    rows = sorted(table.rows, key=lambda row: best.get(row.number, -1.0))  # the best are drawn last, on top
    parts += [_line(row, at, axes, best.get(row.number), _is_kept(table, row)) for row in rows]
    parts += [
        text(x + 6, _y(place) + 4, told, "start", "over")
        for x, axis in zip(at, axes, strict=True)
        for place, told in axis.ticks
    ]
    told = f"{len(table.rows)} runs over {', '.join(axis.name for axis in axes)}; a darker line is a better run."
    return svg("parallel", "Settings and outcomes", told, parts)


def _is_kept(table: Table, row: Row) -> bool:
    return table.keep is not None and table.keep.run == row.id


def _best_places(table: Table) -> dict[int, float]:
    """Run → 0 for the worst to 1 for the best."""
    values = {row.number: value for row in table.rows if (value := row.value(table.decide)) is not None}
    low, high = min(values.values(), default=0.0), max(values.values(), default=1.0)
    width = (high - low) or 1.0
    shares = {number: (value - low) / width for number, value in values.items()}
    return shares if table.higher_is_better else {number: 1 - share for number, share in shares.items()}


def _line(row: Row, at: Sequence[float], axes: Sequence[_Axis], best: float | None, kept: bool) -> str:
    places = [(x, axis.place(row)) for x, axis in zip(at, axes, strict=True)]
    points = [(x, _y(place)) for x, place in places if place is not None]
    value = "" if best is None else f", {best:.0%} of the way from the worst to the best"
    title = f"run {row.number}: {described(row.settings)}: {row.state}{value}"
    return path(points, "run kept" if kept else "run", f"stroke: {colour(best)}", title) if len(points) > 1 else ""


def _y(place: float) -> float:
    return HEIGHT - _BOTTOM - place * (HEIGHT - _TOP - _BOTTOM)


def _drawn(x: float, axis: _Axis) -> list[str]:
    return [
        f'<path class="axis" d="M{x:.1f} {_TOP} V{HEIGHT - _BOTTOM}"/>',
        text(x, 26, axis.name, kind="name"),
    ]


def _setting_axis(table: Table, name: str) -> _Axis:
    values: dict[str, Any] = {value_text(row.settings.get(name)): row.settings.get(name) for row in table.rows}
    numbers = [value for value in values.values() if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(numbers) == len(values):
        scale = _scale(numbers)
        return _Axis(name, tuple((scale(value), value_text(value)) for value in sorted(numbers)), _number(name, scale))
    order = list(values)
    places = {told: number / max(1, len(order) - 1) for number, told in enumerate(order)}
    return _Axis(
        name,
        tuple((place, told) for told, place in places.items()),
        lambda row: places[value_text(row.settings.get(name))],
    )


def _number(name: str, scale: Callable[[float], float]) -> Callable[[Row], float | None]:
    return lambda row: scale(float(row.settings[name]))


def _outcome_axes(table: Table) -> list[_Axis]:
    names = dict.fromkeys((table.decide, "peak_gib", "usd" if table.totals.usd is not None else "minutes"))
    found = []
    for name in names:
        values = [value for row in table.rows if (value := row.value(name)) is not None]
        if len(set(values)) > 1:
            scale = _scale(values)
            ticks = tuple((scale(value), figure(value)) for value in (min(values), max(values)))
            found.append(_Axis(name.replace("_", " "), ticks, _outcome(name, scale)))
    return found


def _outcome(name: str, scale: Callable[[float], float]) -> Callable[[Row], float | None]:
    def place(row: Row) -> float | None:
        value = row.value(name)
        return None if value is None else scale(value)

    return place


def _scale(values: Sequence[float]) -> Callable[[float], float]:
    low, high = min(values), max(values)
    if low == high:
        return lambda value: 0.5
    if low > 0 and high / low > _LOG_FROM:
        return lambda value: math.log(value / low) / math.log(high / low)
    return lambda value: (value - low) / (high - low)
