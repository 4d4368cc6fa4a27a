"""The driver: whatever happens to runs, machines and itself, every run ends where it belongs, and once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simulated import Cluster, Killed, Script, driver, plan_of, table

from allotment.experiments._budget import committed_usd, spent_usd
from allotment.experiments._journal import Journal

CRASHES = ("out-of-memory", "non-finite", "bad-data", "configuration", "time-limit")
ENDS = st.lists(st.sampled_from(("ok", "infrastructure", *CRASHES)), min_size=1, max_size=4)
in_a_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)


def fresh(tmp_path: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=tmp_path))  # not at random: hypothesis seeds that


def test_every_run_ends_and_cards_are_never_shared(tmp_path: Path) -> None:
    plan, cluster = plan_of(7), Cluster(3)
    driver(plan, tmp_path, cluster).run()
    assert [state for _, state, _ in table(plan, tmp_path)] == ["done"] * 7
    assert len(cluster.started) == 7


@pytest.mark.parametrize("kind", CRASHES)
def test_a_crash_costs_one_row_and_is_not_tried_again(kind: str, tmp_path: Path) -> None:
    plan, cluster = plan_of(5), Cluster(2, {"r0002": Script(ends=(kind,))})
    driver(plan, tmp_path, cluster).run()
    states = [state for _, state, _ in table(plan, tmp_path)]
    assert states == ["done", kind, "done", "done", "done"]
    assert len(cluster.started) == 5


def test_a_fault_of_the_machine_is_tried_again_so_often_and_no_more(tmp_path: Path) -> None:
    scripts = {
        "r0001": Script(ends=("infrastructure", "infrastructure", "ok")),
        "r0002": Script(ends=("infrastructure",)),
    }
    plan, cluster = plan_of(3), Cluster(2, scripts)
    driver(plan, tmp_path, cluster).run()
    assert [state for _, state, _ in table(plan, tmp_path)] == ["done", "infrastructure", "done"]
    assert sorted(cluster.started) == [f"test-r0001-{n}" for n in (1, 2, 3)] + [
        f"test-r0002-{n}" for n in (1, 2, 3)
    ] + ["test-r0003-1"]
    journal = Journal(tmp_path)
    assert journal.of("r0001").seconds == pytest.approx(180.0)


@in_a_folder
@given(
    ends=st.lists(ENDS, min_size=1, max_size=5), cards=st.integers(1, 3), kills=st.lists(st.integers(1, 25), max_size=3)
)
def test_a_driver_killed_anywhere_is_followed_by_one_that_ends_with_the_same_table(
    ends: list[list[str]], cards: int, kills: list[int], tmp_path: Path
) -> None:
    scripts = {f"r{number:04}": Script(ends=each) for number, each in enumerate(ends, 1)}
    plan, undisturbed = plan_of(len(ends)), fresh(tmp_path)
    quiet = Cluster(cards, scripts)
    driver(plan, undisturbed, quiet).run()
    disturbed, cluster = fresh(tmp_path), Cluster(cards, scripts)
    for calls in kills:
        run_until_killed(lambda: driver(plan, disturbed, cluster), cluster, calls)
    driver(plan, disturbed, cluster).run()
    assert table(plan, disturbed) == table(plan, undisturbed)
    assert cluster.busy_s == quiet.busy_s  # nothing ran twice
    assert spent_usd(Journal(disturbed).runs.values()) == pytest.approx(spent_usd(Journal(undisturbed).runs.values()))


def run_until_killed(make: Callable[[], Any], cluster: Cluster, calls: int) -> None:
    """Let a driver live for so many of its calls to the outside: before or after each of them it may be killed."""
    left = calls
    outside = {name: getattr(cluster, name) for name in ("start", "prepare", "look", "wait")}

    def counted(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left <= 0 and calls % 2:
                raise Killed
            found = outside[name](*arguments, **named)
            if left <= 0:
                raise Killed
            return found

        return call

    for name in outside:
        setattr(cluster, name, counted(name))
    one = make()
    write = one.journal._write

    def written(row: dict[str, Any]) -> None:
        nonlocal left
        left -= 1
        if left <= 0 and calls % 2:
            raise Killed
        write(row)
        if left <= 0:
            raise Killed

    one.journal._write = written
    try:
        one.run()
    except Killed:
        pass
    finally:
        for name in outside:
            delattr(cluster, name)


@in_a_folder
@given(
    seconds=st.lists(st.floats(1, 900), min_size=1, max_size=8),
    ends=ENDS,
    limit=st.floats(0, 0.5),
    kills=st.lists(st.integers(1, 20), max_size=2),
)
def test_the_budget_is_never_passed_whatever_runs_take(
    seconds: list[float], ends: list[str], limit: float, kills: list[int], tmp_path: Path
) -> None:
    scripts = {f"r{number:04}": Script(each, ends) for number, each in enumerate(seconds, 1)}
    plan = plan_of(len(seconds), max_cost_usd=limit)
    home, cluster = fresh(tmp_path), Cluster(3, scripts)
    for calls in kills:
        run_until_killed(lambda: driver(plan, home, cluster), cluster, calls)
        assert committed_usd(Journal(home).runs.values()) <= limit + 1e-6
    driver(plan, home, cluster).run()
    runs = Journal(home).runs.values()
    assert spent_usd(runs) <= limit + 1e-6
    assert cluster.busy_s / 3600 * 0.44 == pytest.approx(spent_usd(runs), abs=1e-6)  # all of it was counted, once
    open_runs = [number for number, state, _ in table(plan, home) if state == "waiting"]
    least = limit - spent_usd(runs)
    assert not open_runs or least < 600 / 3600 * 0.44  # what was left out could not be afforded


def test_without_a_price_nothing_begins_under_a_limit(tmp_path: Path) -> None:
    plan, cluster = plan_of(2, max_cost_usd=5.0, run_settings={"usd_per_hour": None}), Cluster(2)
    driver(plan, tmp_path, cluster).run()
    assert cluster.started == []


def test_what_a_machine_takes_to_rent_counts_in_the_budget(tmp_path: Path) -> None:
    plan, cluster = plan_of(4, max_cost_usd=0.44 / 3600 * 2100), Cluster(4, {})
    driver(plan, tmp_path, cluster, overhead_s=1300.0).run()
    assert len(cluster.started) == 4
    assert cluster.most_at_once == 1  # each may take 1,900 seconds


def test_a_run_that_is_stopped_goes_on_when_the_experiment_is_run_again(tmp_path: Path) -> None:
    plan, cluster = plan_of(3), Cluster(2)
    first = driver(plan, tmp_path, cluster)
    first._round()
    cluster.wait(20)
    first.stop()
    assert [state for _, state, _ in table(plan, tmp_path)] == ["waiting"] * 3
    assert Journal(tmp_path).of("r0001").seconds == pytest.approx(20)
    driver(plan, tmp_path, cluster).run()
    assert [state for _, state, _ in table(plan, tmp_path)] == ["done"] * 3


def test_a_run_that_was_taken_out_of_the_file_is_stopped(tmp_path: Path) -> None:
    plan, cluster = plan_of(3), Cluster(3)
    driver(plan, tmp_path, cluster)._round()
    driver(plan_of(2), tmp_path, cluster)._round()
    assert sorted(cluster.jobs) == ["test-r0001-1", "test-r0002-1"]
    assert cluster.ended["test-r0003-1"].state == "stopped"


def test_halving_stops_the_worse_ones_at_each_pause_and_keeps_the_best(tmp_path: Path) -> None:
    scripts = {f"r{number:04}": Script(recall=number / 10) for number in range(1, 9)}
    plan, cluster = plan_of(8, halving_at=(2, 4)), Cluster(3, scripts)
    driver(plan, tmp_path, cluster).run()
    journal = Journal(tmp_path)
    assert {run: journal.of(run).halved_at for run in scripts} == {
        **{f"r{n:04}": 2 for n in (1, 2, 3, 4)}, **{f"r{n:04}": 4 for n in (5, 6)}, "r0007": None, "r0008": None,
    }  # fmt: skip
    assert [state for _, state, _ in table(plan, tmp_path)] == ["stopped"] * 6 + ["done"] * 2
    assert len(cluster.started) == 8 + 4 + 2


def test_a_crash_does_not_hold_a_pause_up(tmp_path: Path) -> None:
    scripts = {"r0001": Script(ends=("out-of-memory",)), "r0002": Script(recall=0.9), "r0003": Script(recall=0.1)}
    plan, cluster = plan_of(3, halving_at=(2,)), Cluster(3, scripts)
    driver(plan, tmp_path, cluster).run()
    assert [state for _, state, _ in table(plan, tmp_path)] == ["out-of-memory", "done", "stopped"]


def test_a_torn_line_of_the_journal_is_passed_over(tmp_path: Path) -> None:
    plan, cluster = plan_of(2), Cluster(1)
    driver(plan, tmp_path, cluster)._round()
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"key": "00000002", "event": "en')
    driver(plan, tmp_path, cluster).run()
    assert [state for _, state, _ in table(plan, tmp_path)] == ["done", "done"]
