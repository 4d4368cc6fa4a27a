"""A figure as a dot with whiskers: its value and 95 % interval on the axis from 0 to 1."""

from __future__ import annotations

from allotment.evaluation.report._types import Figure

_WIDTH, _HEIGHT, _SIDE = 220, 24, 10


def interval_svg(figure: Figure) -> str:
    """The picture; none for a unit without ends, or where nothing could be found out. The numbers stand beside it."""
    if figure.unit not in ("share", "score") or figure.value is None:
        return ""
    ends = figure.interval or (figure.value, figure.value)
    low, high, value = _at(ends[0]), _at(ends[1]), _at(figure.value)
    middle, right = _HEIGHT / 2, _WIDTH - _SIDE
    goal = "" if figure.goal is None else f'<path class="goal" d="M{_at(figure.goal):.1f} 1V{_HEIGHT - 1}"/>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ev-picture" width="{_WIDTH}" height="{_HEIGHT}"'
        f' viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-hidden="true">'
        f'<path class="grid" d="M{_SIDE} {middle}H{right}M{_SIDE} 4v16M{right} 4v16M{_WIDTH / 2} 8v8"/>'
        f'{goal}<path class="whisker" d="M{low:.1f} {middle}H{high:.1f}M{low:.1f} 7V17M{high:.1f} 7V17"/>'
        f'<circle class="dot" cx="{value:.1f}" cy="{middle}" r="5"/></svg>'
    )


def _at(value: float) -> float:
    return _SIDE + max(0.0, min(1.0, value)) * (_WIDTH - 2 * _SIDE)
