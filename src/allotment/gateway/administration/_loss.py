"""The loss of a run as a chart: every step, their running mean, and the loss on held-out documents."""

from __future__ import annotations

import math

from allotment.gateway.administration._chart import Chart, Frame, Line
from allotment.gateway.wording import Message, say
from allotment.training.record._axis import Axis, log_axis, step_axis, value_axis
from allotment.training.record._metrics import Metrics, running_mean
from allotment.training.record._plot import thin

_POINTS = 400
_EVENTS: dict[str, Message] = {
    "early-stop": say("early stop"),
    "target-loss": say("target reached"),
    "resumed": say("resumed"),
    "out-of-memory": say("out of memory"),
}
_MOST_MARKS = 6


def loss_chart(metrics: Metrics, title: Message) -> Chart | None:
    """The chart; none before the first step. On a logarithmic scale where the loss falls far."""
    trained = [(float(row.step), row.loss) for row in metrics.steps if math.isfinite(row.loss)]
    held = [(float(row.step), row.held_out_loss) for row in metrics.evaluations if math.isfinite(row.held_out_loss)]
    if not trained and not held:
        return None
    width = max(1, min(len(trained) // 20, 2_000))
    places = range(0, len(trained), max(1, len(trained) // _POINTS))
    means = running_mean([value for _, value in trained], width, places)
    mean = [(trained[place][0], value) for place, value in zip(places, means, strict=True)]
    steps = [int(step) for step, _ in (*trained, *held)]
    frame = Frame(step_axis(min(steps), max(steps)), loss_axis([value for _, value in (*trained, *held)]))
    lines: list[Line] = []
    if trained:
        lines.append(frame.line("each", say("each step"), thin(trained, _POINTS)))
    if width > 1:
        lines.append(frame.line("mean", say("mean of %(steps)s steps", steps=width), mean))
    if held:
        lines.append(frame.dots("held", say("held-out documents"), thin(held, _POINTS // 3)))
    told = [event for event in metrics.events if event.event in _EVENTS][-_MOST_MARKS:]
    marks = tuple(frame.mark(event.step, _EVENTS[event.event]) for event in told)
    return Chart(
        title,
        _description(trained, held),
        say("step"),
        say("loss, nats a token"),
        tuple(lines),
        marks,
        frame.x_ticks(),
        frame.y_ticks(),
    )


def loss_axis(values: list[float]) -> Axis:
    """The axis of finite losses: logarithmic where they fall far."""
    low, high = min(values), max(values)
    positive = [value for value in values if value > 0]
    if low >= 0 and positive and high > 10 * max(1e-6, min(positive)):
        return log_axis(max(high / 1e6, min(positive)), high)
    return value_axis(low, high)


def _description(trained: list[tuple[float, float]], held: list[tuple[float, float]]) -> Message:
    points = trained or held
    (first, begun), (last, ended) = points[0], points[-1]
    return say(
        "From %(begun)s at step %(first)s to %(ended)s at step %(last)s.",
        begun=format(begun, ".3g"),
        first=int(first),
        ended=format(ended, ".3g"),
        last=int(last),
    )
