"""Curves of a check as one SVG picture: recall over false positives, and precision over recall.

Written by hand, as the loss of a training is: a plotting library is heavier than everything that measures, its bytes
change with its version, and it cannot follow the reader's light or dark colours. Text without scripts or references.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape

from allotment.guards.training._figures import Curve, Point

_SIDE, _TOP, _BOTTOM, _LEFT, _BETWEEN = 240, 34, 56, 52, 74
_WIDTH = 2 * _SIDE + _LEFT + _BETWEEN + 18
_ROW = 18
_LEAST = 0.001
"""False positives from here on are drawn; fewer are drawn at the edge."""
_COLOURS = 6
_STYLE = """
svg { --paper: #ffffff; --grid: #e6e8e2; --ink: #1b1f1c; --soft: #565d57; --c0: #1f6f4a; --c1: #b4530f; --c2: #2f5fb3;
  --c3: #8c2f6b; --c4: #6d6a12; --c5: #4b4f55; font: 12px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --paper: #1b1f1c; --grid: #2c322d; --ink: #e9ece8; --soft: #a5ada6;
  --c0: #6cc497; --c1: #f2a65a; --c2: #8db4f5; --c3: #e58cc4; --c4: #cfc85a; --c5: #b9bec4; } }
text { fill: var(--soft); font-variant-numeric: tabular-nums; }
.heading { fill: var(--ink); font-size: 13px; font-weight: 600; }
.paper { fill: var(--paper); } .grid { stroke: var(--grid); fill: none; }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.at { stroke: var(--paper); stroke-width: 1.5; }
"""
_PLACES = {0.001: "0.1", 0.01: "1", 0.1: "10", 1.0: "100"}
"""Ticks of the false positives: share → per cent."""


def curves_svg(curves: Mapping[str, Curve], attacks: float, title: str) -> str:
    """The picture, the same bytes for the same figures.

    Args:
        curves: set of attacks → its curve, at most six of them are drawn; a dot marks the threshold. A rule is a dot.
        attacks: share of all questions that are attacks, for the precision.
        title: what the picture is of; read out.
    """
    shown = dict(list(curves.items())[:_COLOURS])
    height = _TOP + _SIDE + _BOTTOM + _ROW * len(shown)
    parts = [
        *_frame(_LEFT, "recall, %", "false positives, %", _PLACES),
        *_frame(_second(), "precision, %", "recall, %"),
    ]
    for place, (name, curve) in enumerate(shown.items()):
        parts += _drawn(place, curve, attacks)
        parts += _named(place, name, curve)
    told = "; ".join(f"{name}: area {curve.area:.3f}" for name, curve in shown.items())
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}"'
            f' height="{height}" role="img" aria-labelledby="title told">',
            f'<title id="title">{escape(title)}</title>',
            f'<desc id="told">{escape(told)}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{_WIDTH}" height="{height}" rx="10"/>',
            *parts,
            "</svg>\n",
        )
    )


def _second() -> int:
    return _LEFT + _SIDE + _BETWEEN


def _frame(left: int, up: str, along: str, ticks: Mapping[float, str] | None = None) -> Iterator[str]:
    """Axes and their grid; ``ticks`` makes the horizontal one logarithmic."""
    bottom = _TOP + _SIDE
    for value in range(0, 101, 20):
        y = bottom - value / 100 * _SIDE
        yield f'<path class="grid" d="M{left} {y:.1f} h{_SIDE}"/>'
        yield _text(left - 7, y + 4, f"{value}", "end")
    for share, words in (ticks or {value / 100: f"{value}" for value in range(0, 101, 20)}).items():
        x = left + (_log(share) if ticks else share) * _SIDE
        yield f'<path class="grid" d="M{x:.1f} {_TOP} v{_SIDE}"/>'
        yield _text(x, bottom + 17, words, "middle")
    yield _text(left - 34, _TOP - 14, up, "start", "heading")
    yield _text(left + _SIDE, bottom + 36, along, "end", "heading")


def _drawn(place: int, curve: Curve, attacks: float) -> Iterator[str]:
    """Both lines of a curve and the dot of the threshold on each."""
    colour = f"var(--c{place})"
    for line, dot in (
        ([_roc(point) for point in curve.points], _roc(curve.at)),
        ([_precision(point, attacks) for point in curve.points[1:]], _precision(curve.at, attacks)),
    ):
        if curve.graded:
            path = " ".join(f"{'L' if number else 'M'}{x:.1f} {y:.1f}" for number, (x, y) in enumerate(line))
            yield f'<path class="curve" style="stroke: {colour}" d="{path}"/>'
        yield f'<circle class="at" style="fill: {colour}" cx="{dot[0]:.1f}" cy="{dot[1]:.1f}" r="5"/>'


def _roc(point: Point) -> tuple[float, float]:
    return _LEFT + _log(point.false_positives) * _SIDE, _TOP + (1 - point.recall) * _SIDE


def _precision(point: Point, attacks: float) -> tuple[float, float]:
    return _second() + point.recall * _SIDE, _TOP + (1 - point.precision(attacks)) * _SIDE


def _log(share: float) -> float:
    """Place of a share between ``_LEAST`` and 1 on a logarithmic axis, 0 to 1."""
    return 1 - math.log(max(share, _LEAST)) / math.log(_LEAST)


def _named(place: int, name: str, curve: Curve) -> Iterator[str]:
    y = _TOP + _SIDE + _BOTTOM + _ROW * place
    yield f'<circle style="fill: var(--c{place})" cx="{_LEFT + 4}" cy="{y - 4}" r="5"/>'
    yield _text(_LEFT + 16, y, f"{name}: ROC area {curve.area:.3f}", "start")


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(words)}</text>'
