"""A curve as a picture: lines that differ by dash and mark as well as by colour, with their intervals as bands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from allotment.evaluation.report._drawing import CHARACTER, heading, key_of, svg, text
from allotment.evaluation.report._scale import Scale, scale_of, tick_text
from allotment.evaluation.report._types import Curve, Series

_WIDTH, _PLOT = 720.0, 260.0
_LEFT, _RIGHT = 64.0, 20.0
_COLOURS = 6
_DASHES = ("", "7 4", "2 3", "10 3 2 3", "12 5", "4 2")
_MARKS = ("M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0", "M-4-4H4V4H-4Z", "M0-5L5 4H-5Z", "M0-5L5 0L0 5L-5 0Z")
_MOST_MARKS = 60
"""A line with more points is drawn without marks on them."""
_NO_POINTS = "No points were measured."


@dataclass(frozen=True)
class _Frame:
    x: Scale
    y: Scale
    top: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + self.x.place(x) * (_WIDTH - _LEFT - _RIGHT),
            self.top + (1 - self.y.place(y)) * _PLOT,
        )


def curve_svg(curve: Curve, *, alone: bool = True) -> str:
    """The curve as the text of one SVG element. Arguments as ``matrix_svg``."""
    key, top = key_of("curve", curve.name), 62.0 if alone else 36.0
    rows = list(_legend_rows(curve))
    size = (_WIDTH, top + _PLOT + 62 + 24 * len(rows))
    title = heading(curve.title) if alone else ""
    if not any(line.points for line in curve.series):
        return svg(key, size, curve.title, _NO_POINTS, [title, text(_LEFT, top + 40, _NO_POINTS, "soft")], alone)
    frame = _frame_of(curve, top)
    parts = [
        title,
        *_grid(frame, curve),
        *(_band(frame, place, line) for place, line in enumerate(curve.series)),
        *(part for place, line in enumerate(curve.series) for part in _line(frame, place, line)),
        *_legend(rows, size[1] - 24 * len(rows)),
    ]
    return svg(key, size, curve.title, describe(curve), parts, alone)


def describe(curve: Curve) -> str:
    """The curve in words, for who does not see it."""
    told = [f"{curve.y} over {curve.x}."]
    for line in curve.series[:20]:
        if line.points:
            (x, y), (last_x, last_y) = line.points[0], line.points[-1]
            told.append(f"{line.name}: {tick_text(y)} at {tick_text(x)}, {tick_text(last_y)} at {tick_text(last_x)}.")
    return " ".join(told)


def _frame_of(curve: Curve, top: float) -> _Frame:
    points = [point for line in curve.series for point in line.points]
    ends = [value for line in curve.series for value in (*line.low, *line.high)]
    across = [x for x, _ in points]
    counts = max(across) > 1 and all(float(x).is_integer() for x in across)  # shares may all be 0 and 1
    return _Frame(scale_of(across, whole=counts), scale_of([*(y for _, y in points), *ends], from_zero=True), top)


def _grid(frame: _Frame, curve: Curve) -> Iterator[str]:
    bottom, right = frame.top + _PLOT, _WIDTH - _RIGHT
    for value in frame.y.ticks:
        _, y = frame.at(0, value)
        yield f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>'
        yield text(_LEFT - 10, y + 4, tick_text(value), "soft", "end")
    for value in frame.x.ticks:
        x, _ = frame.at(value, 0)
        yield f'<path class="grid" d="M{x:.1f} {bottom}v5"/>'
        yield text(x, bottom + 20, tick_text(value), "soft", "middle")
    yield text(16, frame.top - 16, curve.y, "soft")
    yield text(right, bottom + 40, curve.x, "soft", "end")


def _path(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{'L' if place else 'M'}{x:.1f} {y:.1f}" for place, (x, y) in enumerate(points))


def _band(frame: _Frame, place: int, line: Series) -> str:
    if not line.low:
        return ""
    xs = [x for x, _ in line.points]
    upper = [frame.at(x, value) for x, value in zip(xs, line.high, strict=True)]
    lower = [frame.at(x, value) for x, value in zip(xs, line.low, strict=True)]
    return f'<path class="band fill-{place % _COLOURS}" d="{_path([*upper, *reversed(lower)])}Z"/>'


def _line(frame: _Frame, place: int, line: Series) -> Iterator[str]:
    points = [frame.at(x, y) for x, y in line.points]
    if len(points) > 1:
        yield f'<path class="line line-{place % _COLOURS}"{_dash(place)} d="{_path(points)}"/>'
    if len(points) <= _MOST_MARKS:
        yield from (_mark(place, x, y) for x, y in points)


def _dash(place: int) -> str:
    dash = _DASHES[place % len(_DASHES)]
    return f' stroke-dasharray="{dash}"' if dash else ""


def _mark(place: int, x: float, y: float) -> str:
    shape = _MARKS[place % len(_MARKS)]
    return f'<path class="fill-{place % _COLOURS}" transform="translate({x:.1f} {y:.1f})" d="{shape}"/>'


def _legend_rows(curve: Curve) -> Iterator[list[tuple[int, str, float]]]:
    """Lines of the legend: the place of each series, its name and where it begins."""
    row: list[tuple[int, str, float]] = []
    x = _LEFT
    for place, line in enumerate(curve.series):
        name = line.name if len(line.name) <= 48 else f"{line.name[:47]}…"
        width = 54 + len(name) * CHARACTER
        if row and x + width > _WIDTH:
            yield row
            row, x = [], _LEFT
        row.append((place, name, x))
        x += width
    if row:
        yield row


def _legend(rows: list[list[tuple[int, str, float]]], top: float) -> Iterator[str]:
    for at, row in enumerate(rows):
        y = top + 24 * at
        for place, name, x in row:
            yield f'<path class="line line-{place % _COLOURS}"{_dash(place)} d="M{x:.1f} {y:.1f}h28"/>'
            yield _mark(place, x + 14, y)
            yield text(x + 38, y + 4, name)
