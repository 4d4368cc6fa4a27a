"""What is read from a run's metrics, whole, torn or wrong."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_manifest import lines, step

from allotment.errors import IntegrityError
from allotment.training.record._metrics import EvaluationRow, EventRow, Metrics, read_metrics, running_mean

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
numbers = st.floats(allow_nan=False)
counts = st.integers(0, 10**15)
kinds = st.sampled_from(["spike", "out-of-memory", "early-stop", "target-loss", "probe"])
happened = st.lists(st.builds(EventRow, counts, kinds, st.text()))


@st.composite
def runs(draw: st.DrawFn) -> Metrics:
    """A run that was never resumed."""
    places = sorted(draw(st.sets(st.integers(1, 10**6), max_size=12)))
    steps = tuple(step(place, draw(numbers), grad_norm=draw(numbers | st.none())) for place in places)
    evaluated = [place for place in places if draw(st.booleans())]
    return Metrics(steps, tuple(EvaluationRow(place, 0.5, draw(numbers)) for place in evaluated), tuple(draw(happened)))


def rows_of(run: Metrics) -> list[Any]:
    """The rows in an order in which a training may write them."""
    return sorted([*run.steps, *run.evaluations, *run.events], key=lambda row: row.step)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


@in_one_folder
@given(runs())
def test_every_row_is_read_as_it_was_written(file: Path, run: Metrics) -> None:
    file.write_text(lines(rows_of(run)), encoding="utf-8")
    found = read_metrics(file)
    assert (found.steps, found.evaluations) == (run.steps, run.evaluations)
    assert sorted(found.events, key=repr) == sorted(run.events, key=repr)


@in_one_folder
@given(runs(), st.data())
def test_a_file_cut_at_any_byte_gives_the_rows_that_are_whole(file: Path, run: Metrics, data: st.DataObject) -> None:
    written = lines(rows_of(run)).encode()
    cut = data.draw(st.integers(0, len(written)))
    file.write_bytes(written[:cut])
    found = read_metrics(file)
    assert len(found.steps) + len(found.evaluations) + len(found.events) == written[:cut].count(b"\n")


@in_one_folder
@given(st.binary(max_size=200))
def test_whatever_is_in_a_file_it_is_read_or_refused(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    try:
        assert isinstance(read_metrics(file), Metrics)
    except IntegrityError as error:
        assert error.element.startswith(f"{file}:")


def test_the_last_row_of_a_step_counts(file: Path) -> None:
    rows = [step(1, 3.0), step(2, 2.0), EvaluationRow(2, 0.1, 2.5), step(2, 2.1), EvaluationRow(2, 0.1, 2.6)]
    file.write_text(lines(rows), encoding="utf-8")
    found = read_metrics(file)
    assert [row.loss for row in found.steps] == [3.0, 2.1]
    assert [row.held_out_loss for row in found.evaluations] == [2.6]


def test_steps_that_a_resumed_run_did_not_reach_again_are_void(file: Path) -> None:
    first = [step(1), step(2), step(3, 9.0), EvaluationRow(3, 0.2, 9.0), step(4, 9.0)]
    resumed = [EventRow(2, "resumed", "from step 2"), step(3, 1.0), EventRow(3, "early-stop", "enough")]
    file.write_text(lines([*first, *resumed]), encoding="utf-8")
    found = read_metrics(file)
    assert [(row.step, row.loss) for row in found.steps] == [(1, 1.0), (2, 1.0), (3, 1.0)]
    assert found.evaluations == ()
    assert found.at("resumed") == (2,)


def test_a_run_that_was_resumed_and_killed_again_stands_where_it_was_resumed(file: Path) -> None:
    file.write_text(lines([step(1), step(2), step(3), EventRow(1, "resumed", "")]), encoding="utf-8")
    assert [row.step for row in read_metrics(file).steps] == [1]


def test_a_row_behind_what_a_kill_left_of_another_counts(file: Path) -> None:
    torn = lines([step(2)])[:40]
    file.write_text(lines([step(1)]) + torn + lines([EventRow(1, "resumed", ""), step(2, 0.5)]), encoding="utf-8")
    found = read_metrics(file)
    assert ([row.loss for row in found.steps], len(found.events)) == ([1.0, 0.5], 1)


@pytest.mark.parametrize(
    "row",
    [
        {"step": 2, "event": "spike", "detail": "x", "colour": "red"},
        {"step": 2, "event": "breakfast", "detail": "x"},
        {"step": 2, "event": "spike"},
        {"step": -1, "event": "spike", "detail": "x"},
        {"step": 2, "epoch": 0.1, "held_out_loss": "low"},
        {"step": 2, "epoch": 0.1, "held_out_loss": True},
        {"step": 2, "epoch": 0.1, "loss": 0.1},
        {"step": 2.5, "epoch": 0.1, "held_out_loss": 0.1},
        {"step": 2, "epoch": 0.1},
        {"step": 2, "epoch": 0.1, "held_out_loss": 10**400},
        [1, 2],
        None,
    ],
)
def test_a_row_that_no_training_writes_is_refused_with_its_line(file: Path, row: Any) -> None:
    file.write_text(lines([step(1)]) + json.dumps(row) + "\n" + lines([step(3)]), encoding="utf-8")
    with pytest.raises(IntegrityError, match=rf"{file.name}:2: is not a line that a training writes"):
        read_metrics(file)


def test_a_loss_that_is_no_number_is_read_as_such(file: Path) -> None:
    file.write_text(lines([step(1, math.nan), step(2, math.inf)]), encoding="utf-8")
    first, second = read_metrics(file).steps
    assert math.isnan(first.loss)
    assert second.loss == math.inf


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.integers(1, 40))
def test_a_running_mean_lies_between_the_lowest_and_the_highest(values: list[float], width: int) -> None:
    means = running_mean(values, width)
    assert len(means) == len(values)
    assert all(min(values) - 1e-3 <= mean <= max(values) + 1e-3 for mean in means)


def test_a_running_mean_is_of_the_values_around_and_leaves_out_what_is_no_number() -> None:
    assert running_mean([1.0, 2.0, 9.0], 1) == [1.0, 2.0, 9.0]
    assert running_mean([1.0, 2.0, 9.0, 4.0], 3) == [1.5, 4.0, 5.0, 6.5]
    assert running_mean([1.0, math.nan, 3.0], 3, [1]) == [2.0]
    assert math.isnan(running_mean([math.inf], 1)[0])


def test_the_time_left_is_at_the_rate_of_the_last_steps() -> None:
    slow = tuple(step(number, seconds=10.0 * number) for number in range(1, 51))
    fast = tuple(step(number, seconds=500.0 + number - 50) for number in range(51, 151))
    assert Metrics(slow + fast).seconds_left(200) == pytest.approx(50.0)
    assert Metrics((step(1, seconds=4.0),)).seconds_left(3) == pytest.approx(8.0)
    assert Metrics((step(9),)).seconds_left(5) == 0.0
    assert Metrics().seconds_left(10) is None
