"""The loss of a run as one SVG picture: each step, their running mean, the held-out loss, and what happened when.

Written by hand, for it is one kind of plot: the plotting libraries are heavier than all the rest of a report. The
picture is text without scripts or references; it follows the reader's light or dark colours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from allotment.training.record._axis import Axis, log_axis, step_axis, tick_text, value_axis
from allotment.training.record._metrics import EventKind, EventRow, Metrics, running_mean
from allotment.training.record._shown import xml_text

_WIDTH, _HEIGHT = 760, 340
_LEFT, _RIGHT, _BOTTOM = 58, 16, 48
_TOP, _TOP_OF_EVENTS = 62, 88
_POINTS = 600
_LIMIT = 1e12
"""Values beyond it are drawn at it."""
_LOG_FROM = 10.0
"""Falls by more than this factor are drawn on a logarithmic scale."""
_LABEL_ROWS = 2
_LINES = 12
"""An event that happened more often is marked by short strokes, and named once."""
_CHARACTER = 6.2
"""Width of a label's character, at most."""
_NAMES: dict[EventKind, str] = {
    "early-stop": "early stop",
    "target-loss": "target reached",
    "resumed": "resumed",
    "out-of-memory": "out of memory",
    "spike": "spike",
}
"""Events that are marked, those that say most first."""
_STYLE = """
.loss-plot { --lp-paper: #ffffff; --lp-grid: #e6e8e2; --lp-ink: #1b1f1c; --lp-soft: #565d57;
  --lp-train: #1f6f4a; --lp-held: #b4530f; --lp-event: #868c82; font: 12px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { .loss-plot { --lp-paper: #1b1f1c; --lp-grid: #2c322d; --lp-ink: #e9ece8;
  --lp-soft: #a5ada6; --lp-train: #6cc497; --lp-held: #f2a65a; --lp-event: #7b837b; } }
@media print { .loss-plot { --lp-paper: #ffffff; --lp-grid: #e6e8e2; --lp-ink: #1b1f1c; --lp-soft: #565d57;
  --lp-train: #1f6f4a; --lp-held: #b4530f; --lp-event: #868c82; } }
.loss-plot .paper { fill: var(--lp-paper); }
.loss-plot text { fill: var(--lp-soft); font-variant-numeric: tabular-nums; }
.loss-plot .heading { fill: var(--lp-ink); font-size: 14px; font-weight: 600; }
.loss-plot .grid { stroke: var(--lp-grid); fill: none; }
.loss-plot .each { stroke: var(--lp-train); stroke-opacity: 0.45; fill: none; stroke-linejoin: round; }
.loss-plot .alone { stroke-opacity: 1; stroke-width: 1.75; }
.loss-plot .mean { stroke: var(--lp-train); stroke-width: 2.5; fill: none; stroke-linejoin: round; }
.loss-plot .only { fill: var(--lp-train); }
.loss-plot .held { fill: var(--lp-held); stroke: var(--lp-paper); stroke-width: 1.25; }
.loss-plot .event { stroke: var(--lp-event); stroke-dasharray: 3 3; }
.loss-plot .label { font-size: 11px; paint-order: stroke; stroke: var(--lp-paper); stroke-width: 3px; }
"""


@dataclass(frozen=True)
class _Frame:
    """Axes, and the picture's coordinates of a step and a loss."""

    steps: Axis
    losses: Axis
    top: int

    def x(self, step: float) -> float:
        return _LEFT + self.steps.place(step) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, loss: float) -> float:
        return _HEIGHT - _BOTTOM - self.losses.place(loss) * (_HEIGHT - self.top - _BOTTOM)

    def line(self, kind: str, points: Sequence[tuple[float, float]]) -> str:
        path = " ".join(
            f"{'L' if place else 'M'}{self.x(x):.1f} {self.y(y):.1f}" for place, (x, y) in enumerate(points)
        )
        return f'<path class="{kind}" d="{path}"/>' if len(points) > 1 else ""

    def dots(self, kind: str, points: Iterable[tuple[float, float]], radius: float) -> str:
        return "".join(
            f'<circle class="{kind}" cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius:g}"/>' for x, y in points
        )


def loss_plot(metrics: Metrics, title: str = "Loss") -> str:
    """The picture, as the text of an SVG element.

    Args:
        title: what the picture is of; shown, and read out.
    """
    trained = _finite((row.step, row.loss) for row in metrics.steps)
    held = _finite((row.step, row.held_out_loss) for row in metrics.evaluations)
    events = [event for event in metrics.events if event.event in _NAMES]
    if not trained and not held:
        return _svg(title, "No step was logged.", [_text(_WIDTH / 2, _HEIGHT / 2, "no step was logged", "middle")])
    width = max(1, min(len(trained) // 20, 2_000))
    mean = _mean(trained, width)
    each = "each" if width > 1 else "each alone"
    frame = _Frame(*_axes(trained, held, mean), _TOP_OF_EVENTS if events else _TOP)
    parts = [
        *_grid(frame),
        *_event_marks(frame, events),
        frame.line(each, thin(trained, _POINTS)),
        frame.line("mean", mean) if width > 1 else "",
        frame.dots("only", trained, 3.5) if len(trained) == 1 else "",
        frame.dots("held", thin(held, _POINTS // 3), 4.5 if len(held) <= 60 else 2.5),
        *_legend(each if len(trained) > 1 else "", width, bool(held)),
    ]
    return _svg(title, _description(trained, held, events), parts)


def thin(points: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """At most ``most`` of the points, in order: the first, the last, and the lowest and highest of equal parts."""
    if len(points) <= most:
        return list(points)
    parts = (most - 2) // 2
    kept = {0, len(points) - 1}
    for part in range(parts):
        places = range(part * len(points) // parts, (part + 1) * len(points) // parts)
        kept.add(min(places, key=lambda place: points[place][1]))
        kept.add(max(places, key=lambda place: points[place][1]))
    return [points[place] for place in sorted(kept)]


def _finite(points: Iterable[tuple[int, float]]) -> list[tuple[float, float]]:
    return [(step, max(-_LIMIT, min(_LIMIT, value))) for step, value in points if math.isfinite(value)]


def _mean(points: Sequence[tuple[float, float]], width: int) -> list[tuple[float, float]]:
    """The running mean, at every point or at some 300 of them."""
    size = max(1, len(points) // (_POINTS // 2))
    places = sorted({*range(0, len(points), size), *([len(points) - 1] if points else [])})
    means = running_mean([value for _, value in points], width, places)
    return [(points[place][0], value) for place, value in zip(places, means, strict=True)]


def _axes(
    trained: Sequence[tuple[float, float]], held: Sequence[tuple[float, float]], mean: Sequence[tuple[float, float]]
) -> tuple[Axis, Axis]:
    """Of the steps and of the losses, which are on a logarithmic scale where they fall far."""
    steps = [int(step) for step, _ in (*trained, *held)]
    losses = [value for _, value in (*trained, *held)]
    low, high = min(losses), max(losses)
    course = [value for _, value in (*mean, *held) if value > 0]
    if low >= 0 and course and high > max(1e-6, _LOG_FROM * min(course)):
        floor = max(high / 1e6, min(value for value in losses if value > 0))
        return step_axis(min(steps), max(steps)), log_axis(floor, high)
    return step_axis(min(steps), max(steps)), value_axis(low, high)


def _grid(frame: _Frame) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    parts = []
    for value in frame.losses.ticks:
        y = frame.y(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f} H{right}"/>')
        parts.append(_text(_LEFT - 8, y + 4, tick_text(value), "end"))
    for step in frame.steps.ticks:
        at_end = frame.x(step) > right - 20
        parts.append(_text(frame.x(step), bottom + 18, tick_text(step), "end" if at_end else "middle"))
    scale = ", logarithmic" if frame.losses.is_log else ""
    parts.append(_text(right, bottom + 38, "step", "end"))
    parts.append(_text(16, 42, f"nats a token{scale}", "start"))
    return parts


def _event_marks(frame: _Frame, events: Sequence[EventRow]) -> list[str]:
    """A mark at each event, and its name where there is room; names that say most take their room first."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_LABEL_ROWS)]
    marks, labels = [], []
    for kind, name in _NAMES.items():
        found = {round(frame.x(event.step)): event for event in events if event.event == kind}
        end = _HEIGHT - _BOTTOM if len(found) <= _LINES else frame.top + 8
        for x, event in found.items():
            hint = xml_text(f"step {event.step:,}: {name}. {event.detail}"[:300])
            marks.append(f'<path class="event" d="M{x} {frame.top - 4} V{end}"><title>{hint}</title></path>')
        many = [f"{name} ×{sum(event.event == kind for event in events)}"] if len(found) > _LINES else []
        named = zip(found, many or [name] * len(found), strict=False)
        labels += [_label(frame, x, words, taken) for x, words in named]
    return [*marks, *labels]


def _label(frame: _Frame, x: float, name: str, taken: Sequence[list[tuple[float, float]]]) -> str:
    width = len(name) * _CHARACTER
    left = min(max(_LEFT, x - width / 2), _WIDTH - _RIGHT - width)
    for row, spans in enumerate(taken):
        if all(left + width + 8 < begin or end + 8 < left for begin, end in spans):
            spans.append((left, left + width))
            return _text(left + width / 2, frame.top - 9 - 14 * row, name, "middle", "label")
    return ""


def _legend(each: str, width: int, has_held: bool) -> list[str]:
    """From the right: what is drawn, in the place of a title's second half."""
    names = [("held", "held-out documents")] if has_held else []
    names += [("mean", f"mean of {width:,} steps")] if width > 1 else []
    names += [(each, "each step")] if each else []
    parts, x = [], float(_WIDTH - _RIGHT)
    for kind, name in names:
        x -= len(name) * 6.6
        parts.append(_text(x, 22, name, "start"))
        mark = f'<circle class="held" cx="{x - 12:.1f}" cy="18" r="4.5"/>'
        parts.append(mark if kind == "held" else f'<path class="{kind}" d="M{x - 24:.1f} 18 h18"/>')
        x -= 42
    return parts


def _description(
    trained: Sequence[tuple[float, float]], held: Sequence[tuple[float, float]], events: Sequence[EventRow]
) -> str:
    told = []
    if trained:
        (first, begun), (last, ended) = trained[0], trained[-1]
        told.append(f"Training loss {begun:.4g} at step {first:,} and {ended:.4g} at step {last:,}.")
    if held:
        step, value = min(held, key=lambda point: point[1])
        told.append(f"Held-out loss lowest at step {step:,}: {value:.4g}.")
    for kind, name in _NAMES.items():
        at = [f"{event.step:,}" for event in events if event.event == kind]
        more = f" and {len(at) - 10} more" if len(at) > 10 else ""
        told += [f"{name.capitalize()} at step {', '.join(at[:10])}{more}."] if at else []
    return " ".join(told)


def _text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{xml_text(words)}</text>'


def _svg(title: str, description: str, parts: Sequence[str]) -> str:
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="loss-plot" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
            ' aria-labelledby="loss-plot-title loss-plot-description">',
            f'<title id="loss-plot-title">{xml_text(title)}</title>',
            f'<desc id="loss-plot-description">{xml_text(description)}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}" rx="10"/>',
            _text(16, 23, title, "start", "heading"),
            *(part for part in parts if part),
            "</svg>",
        )
    )
