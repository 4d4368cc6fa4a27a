"""The loss plot: well-formed and inside its picture for every run, and what it shows of one."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_manifest import step

from allotment.training.record._axis import Axis, log_axis, step_axis, tick_text, value_axis
from allotment.training.record._metrics import EvaluationRow, EventKind, EventRow, Metrics, StepRow
from allotment.training.record._plot import loss_plot, thin

SVG = "{http://www.w3.org/2000/svg}"
KINDS: list[EventKind] = ["spike", "out-of-memory", "early-stop", "target-loss", "resumed", "probe"]
ALLOWED = {"svg", "title", "desc", "style", "rect", "text", "path", "circle"}

floats = st.floats() | st.floats(0, 5) | st.sampled_from([0.0, 1e308, -1e308, 5e-324, math.nan, math.inf])
places = st.integers(0, 10**15) | st.integers(0, 300)
steps = st.lists(st.tuples(places, floats), max_size=30, unique_by=lambda one: one[0]).map(sorted)
runs = st.builds(
    lambda trained, held, events: Metrics(
        tuple(step(number, loss) for number, loss in trained),
        tuple(EvaluationRow(number, 0.5, loss) for number, loss in held),
        tuple(events),
    ),
    steps,
    steps,
    st.lists(st.builds(EventRow, places, st.sampled_from(KINDS), st.text()), max_size=30),
)


def picture(metrics: Metrics, title: str = "Loss") -> ElementTree.Element:
    return ElementTree.fromstring(loss_plot(metrics, title))


def marks(root: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    return [one for one in root.iter() if kind in one.get("class", "").split()]


def points(path: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]?(\S+) (\S+)", path.get("d", ""))]


def labels(root: ElementTree.Element) -> list[str]:
    return [one.text or "" for one in marks(root, "label")]


def falling(count: int, low: float = 0.05) -> tuple[StepRow, ...]:
    return tuple(step(number, low + 3 * 0.9**number) for number in range(1, count + 1))


@given(runs, st.text())
@example(Metrics((step(1, 5e-323), step(2, 5e-324))), "")
@example(Metrics((step(1, 1e308), step(2, 0.0), step(3, 1e-300))), "")
def test_the_plot_of_any_run_is_well_formed_and_all_of_it_lies_in_the_picture(metrics: Metrics, title: str) -> None:
    root = picture(metrics, title)
    assert {one.tag.removeprefix(SVG) for one in root.iter()} <= ALLOWED
    _, _, width, height = map(float, root.get("viewBox", "").split())
    for name, most in (("cx", width), ("x", width), ("cy", height), ("y", height)):
        assert all(-1 <= float(one.get(name, "0")) <= most + 1 for one in root.iter())
    for path in root.iter(f"{SVG}path"):
        if path.get("class") in ("each", "each alone", "mean"):
            assert all(0 <= x <= width and 0 <= y <= height for x, y in points(path))
    assert "nan" not in "".join(path.get("d", "") for path in root.iter(f"{SVG}path"))


def test_it_has_a_title_and_a_description_that_a_screen_reader_finds() -> None:
    events = (EventRow(7, "out-of-memory", ""), EventRow(9, "resumed", ""))
    root = picture(Metrics(falling(10), (EvaluationRow(5, 0.5, 1.25), EvaluationRow(10, 1, 1.5)), events), "Loss of it")
    named = {one.get("id"): one.text or "" for one in root}
    title, description = (named[name] for name in root.get("aria-labelledby", "").split())
    assert (root.get("role"), title) == ("img", "Loss of it")
    assert description == (
        "Training loss 2.75 at step 1 and 1.096 at step 10. Held-out loss lowest at step 5: 1.25."
        " Resumed at step 9. Out of memory at step 7."
    )


def test_a_hundred_thousand_steps_are_thinned_out_and_their_extremes_stay() -> None:
    spikes = {12_345: 60.0, 77_777: 0.01}
    metrics = Metrics(tuple(step(number, spikes.get(number, 1.0)) for number in range(1, 100_001)))
    root = picture(metrics)
    each, mean = marks(root, "each")[0], marks(root, "mean")[0]
    assert len(points(each)) <= 600
    assert len(points(mean)) <= 302
    heights = sorted(y for _, y in points(each))
    assert heights[0] < heights[len(heights) // 2] - 50
    assert heights[-1] > heights[len(heights) // 2] + 50


@given(st.lists(st.tuples(st.integers(), st.floats(-9, 9)), max_size=400), st.integers(4, 60))
def test_thinning_keeps_the_ends_the_lowest_and_the_highest(found: list[tuple[int, float]], most: int) -> None:
    kept = thin(found, most)
    assert len(kept) <= max(most, 0)
    if found:
        values = [value for _, value in found]
        assert (kept[0], kept[-1]) == (found[0], found[-1])
        assert (min(value for _, value in kept), max(value for _, value in kept)) == (min(values), max(values))


def test_one_step_is_a_point_and_none_is_told() -> None:
    assert len(marks(picture(Metrics((step(1, 2.5),))), "only")) == 1
    assert "no step was logged" in loss_plot(Metrics())


def test_a_loss_that_falls_far_is_drawn_on_a_logarithmic_scale_and_one_that_does_not_on_a_linear_one() -> None:
    assert "nats a token, logarithmic" in loss_plot(Metrics(falling(100)))
    assert "logarithmic" not in loss_plot(Metrics(falling(100, low=2.0)))


def test_what_happened_is_marked_where_it_happened() -> None:
    events = tuple(EventRow(20 * place, kind, "") for place, kind in enumerate(KINDS, start=1))
    root = picture(Metrics(falling(140), (), events))
    assert set(labels(root)) == {"spike", "out of memory", "early stop", "target reached", "resumed"}
    at = [float(mark.get("d", "").split()[0][1:]) for mark in marks(root, "event")]
    assert len(at) == 5
    assert len(set(at)) == 5


def test_many_spikes_leave_the_plot_readable() -> None:
    spikes = tuple(EventRow(number, "spike", "") for number in range(1, 4000, 9))
    root = picture(Metrics(falling(4000), (), (*spikes, EventRow(2000, "resumed", ""))))
    assert set(labels(root)) == {f"spike ×{len(spikes)}", "resumed"}


def test_an_events_text_is_shown_as_text() -> None:
    attack = "</title><script>alert(1)</script>\x00\x1b[31m\ud800\u202e"
    plot = loss_plot(Metrics(falling(9), (), (EventRow(3, "spike", attack),)), attack)
    root = ElementTree.fromstring(plot)
    assert not list(root.iter(f"{SVG}script"))
    hint = next(one.text or "" for one in root.iter(f"{SVG}title") if "step 3" in (one.text or ""))
    assert hint.endswith("</title><script>alert(1)</script>\\u0000\\u001b[31m\\ud800\\u202e")


@given(st.floats(-1e12, 1e12, allow_subnormal=False), st.floats(0, 1e12, allow_subnormal=False), st.integers(2, 9))
@example(0.0, 0.0, 5)
@example(1e12, 1.0, 5)
def test_a_value_axis_holds_its_values_and_names_few_ends_in_order(low: float, span: float, ticks: int) -> None:
    axis = value_axis(low, low + span, ticks)
    assert axis.low <= low
    assert axis.high >= low + span
    check_ticks(axis, most=2 * ticks + 3)


@given(st.floats(1e-12, 1e12), st.floats(2, 1e6))
def test_a_log_axis_holds_its_values_and_names_few_ends_in_order(low: float, factor: float) -> None:
    axis = log_axis(low, low * factor)
    assert axis.low <= low
    assert axis.high >= low * factor
    check_ticks(axis, most=14)


@given(st.integers(0, 10**15), st.integers(0, 10**6))
def test_a_step_axis_names_whole_steps(first: int, count: int) -> None:
    axis = step_axis(first, first + count)
    assert all(tick.is_integer() for tick in axis.ticks)
    check_ticks(axis, most=10)


def check_ticks(axis: Axis, most: int) -> None:
    assert 1 <= len(axis.ticks) <= most
    assert list(axis.ticks) == sorted(axis.ticks)
    assert all(0 <= axis.place(tick) <= 1 for tick in axis.ticks)


@pytest.mark.parametrize(
    ("value", "text"), [(0.05, "0.05"), (0.1 + 0.2, "0.3"), (250.0, "250"), (100_000.0, "100,000"), (1e-7, "1e-07")]
)
def test_a_tick_is_written_as_short_as_it_can_be(value: float, text: str) -> None:
    assert tick_text(value) == text
