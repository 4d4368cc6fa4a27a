"""Quality against what it cost: a point for each run, and the runs that no other beats in both."""

from __future__ import annotations

from collections.abc import Sequence

from allotment.experiments._expand import described
from allotment.experiments._picture import HEIGHT, WIDTH, colour, path, svg, text
from allotment.experiments._rows import Row
from allotment.experiments._service import Curve
from allotment.experiments._table import Table
from allotment.training.record._axis import Axis, log_axis, tick_text, value_axis
from allotment.training.record._shown import xml_text

_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 24, 40, 54
_LOG_FROM = 20.0
Point = tuple[Row, float, float]


def cost_plot(table: Table) -> str:
    """Quality against dollars, or against minutes where nobody knows a price; the text of an SVG element."""
    by = "usd" if table.totals.usd else "minutes"
    quality = table.decide if table.decide not in ("usd", "minutes") else "loss"
    higher = quality == "recall"
    points = [
        (row, cost, value)
        for row in table.rows
        if row.is_done and (cost := row.value(by)) is not None and (value := row.value(quality)) is not None
    ]
    named = f"{quality.replace('_', ' ')} against {'dollars' if by == 'usd' else 'minutes'}"
    if not points:
        return svg("cost", named, "No run has ended well.", [text(WIDTH / 2, HEIGHT / 2, "no run has ended well yet")])
    x, y = _axis([one[1] for one in points]), _axis([one[2] for one in points])
    front = _front(points, higher=higher)
    parts = [*_frame(x, y, "dollars" if by == "usd" else "minutes", quality.replace("_", " "))]
    parts.append(path(((_x(x, one[1]), _y(y, one[2])) for one in front), "front", title="no run is better and cheaper"))
    for row, cost, value in points:
        place = y.place(value) if higher else 1 - y.place(value)
        title = f"run {row.number}: {described(row.settings)}: {value:.4g}, {cost:.4g}"
        kept = table.keep is not None and table.keep.run == row.id
        parts += [_dot(_x(x, cost), _y(y, value), colour(place), title), *_ring(_x(x, cost), _y(y, value), kept)]
        parts.append(text(_x(x, cost) + 9, _y(y, value) + 4, str(row.number), "start"))
    told = f"{len(points)} runs; {', '.join(str(one[0].number) for one in front)} are beaten by none in both."
    return svg("cost", named, told, parts)


def curves_plot(curves: Sequence[Curve], table: Table) -> str:
    """The losses of all runs laid over one another, dots on held-out documents; the text of an SVG element."""
    points = [point for curve in curves for point in (*curve.loss, *curve.held_out)]
    if not points:
        return svg("curves", "Loss of each run", "No step was made.", [text(WIDTH / 2, HEIGHT / 2, "no step was made")])
    steps = value_axis(0.0, float(max(step for step, _ in points)))
    losses = _axis([loss for _, loss in points])
    rows = {row.id: row for row in table.rows}
    values = [value for row in table.rows if (value := row.value(table.decide)) is not None]
    parts = [*_frame(steps, losses, "step", "loss of answer tokens, nats")]
    for curve in curves:
        row = rows.get(curve.id)
        tint = colour(_share(row, values, table))
        line = [(_x(steps, step), _y(losses, loss)) for step, loss in curve.loss]
        parts.append(path(line, "run", f"stroke: {tint}", f"run {curve.number}: {curve.label}"))
        parts += [
            _dot(_x(steps, s), _y(losses, v), tint, f"run {curve.number}, held out: {v:.4g}") for s, v in curve.held_out
        ]
    return svg("curves", "Loss of each run", f"{len(curves)} runs; a darker line is a better run.", parts)


def _share(row: Row | None, values: Sequence[float], table: Table) -> float | None:
    value = row.value(table.decide) if row else None
    if value is None or not values:
        return None
    low, high = min(values), max(values)
    share = (value - low) / (high - low) if high > low else 1.0
    return share if table.higher_is_better else 1 - share


def _front(points: Sequence[Point], *, higher: bool) -> list[Point]:
    """The runs that none beats in both, the cheapest first."""
    sign = -1 if higher else 1
    found: list[Point] = []
    for one in sorted(points, key=lambda point: (point[1], sign * point[2])):
        if not found or sign * one[2] < sign * found[-1][2]:
            found.append(one)
    return found


def _axis(values: Sequence[float]) -> Axis:
    low, high = min(values), max(values)
    return log_axis(low, high) if low > 0 and high / low > _LOG_FROM else value_axis(low, high)


def _x(axis: Axis, value: float) -> float:
    return _LEFT + axis.place(value) * (WIDTH - _LEFT - _RIGHT)


def _y(axis: Axis, value: float) -> float:
    return HEIGHT - _BOTTOM - axis.place(value) * (HEIGHT - _TOP - _BOTTOM)


def _frame(x: Axis, y: Axis, below: str, beside: str) -> list[str]:
    parts = [f'<path class="axis" d="M{_LEFT} {_y(y, tick):.1f} H{WIDTH - _RIGHT}"/>' for tick in y.ticks]
    parts += [text(_LEFT - 8, _y(y, tick) + 4, tick_text(tick), "end") for tick in y.ticks]
    parts += [text(_x(x, tick), HEIGHT - _BOTTOM + 20, tick_text(tick)) for tick in x.ticks]
    return [*parts, text((WIDTH + _LEFT) / 2, HEIGHT - 12, below, kind="name"), text(16, 24, beside, "start", "name")]


def _dot(x: float, y: float, tint: str, title: str) -> str:
    told = f"<title>{xml_text(title)}</title>"
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="5" style="fill: {tint}">{told}</circle>'


def _ring(x: float, y: float, kept: bool) -> list[str]:
    return [f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="9"/>'] if kept else []
