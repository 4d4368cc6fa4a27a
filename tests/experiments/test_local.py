"""Runs on this machine: found again by another driver, stopped, and given cards by their free memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from stub_run import ends, job, make_run, steps, until

from allotment.experiments._local import Local, Machine, free_gib

PROCESSOR = Machine((), 8.0, 4)


def test_a_run_is_started_looked_at_and_taken(tmp_path: Path) -> None:
    executor, one = Local(machine=PROCESSOR), job(make_run(tmp_path / "one", steps(3)))
    assert executor.look(one).state == "absent"
    assert executor.start(one) == "processor"
    assert executor.look(one).state == "running"
    until(lambda: executor.look(one).state == "ended", "the run ends")


def test_another_driver_finds_a_run_at_work_and_may_stop_it(tmp_path: Path) -> None:
    one = job(make_run(tmp_path / "one", steps(10_000)))
    first = Local(machine=PROCESSOR)
    first.start(one)
    until(lambda: (one.folder / "process.json").exists(), "the run is at work")
    child = first._children[one.name]
    first.close()
    second = Local(machine=PROCESSOR)
    assert second.look(one).state == "running"
    second.stop(one)
    assert second.look(one).state == "ended"
    assert child.wait(30) == 25


def test_memory_and_places_are_not_given_twice(tmp_path: Path) -> None:
    executor = Local(in_flight=3, machine=PROCESSOR)
    large = job(make_run(tmp_path / "large", steps(10_000)), needs_gib=5.0)
    other = job(make_run(tmp_path / "other", ends("ok", 0)), needs_gib=5.0)
    small = job(make_run(tmp_path / "small", ends("ok", 0)), needs_gib=2.0)
    assert executor.has_place(large)
    executor.start(large)
    assert not executor.has_place(other)
    assert executor.has_place(small)
    executor.stop(large)
    assert executor.has_place(other)


def test_a_run_that_needs_more_than_there_is_may_still_try_alone(tmp_path: Path) -> None:
    huge = job(make_run(tmp_path / "huge", ends("ok", 0)), needs_gib=50.0)
    assert Local(machine=PROCESSOR).has_place(huge)


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose driver tells of three cards; the file says how much each has free, in MiB."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    told = tmp_path / "cards"
    told.write_text("0, 24000\n1, 8000\n2, 23000\n", encoding="utf-8")
    tool.write_text(f"#!/bin/sh\ncat {told}\n", encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return told


def show_cards(folder: Path) -> Path:
    source = "import os, sys, pathlib; pathlib.Path(sys.argv[1]).parent.joinpath('cards').write_text("
    return make_run(folder, f"{source}os.environ['CUDA_VISIBLE_DEVICES']); import time; time.sleep(600)")


def test_cards_are_handed_out_by_free_memory_and_never_twice(cards: Path, tmp_path: Path) -> None:
    executor = Local()
    jobs = [job(show_cards(tmp_path / name), needs_gib=16.0) for name in ("one", "two", "three")]
    assert [executor.start(one) for one in jobs[:2]] == ["card 0", "card 2"]
    assert not executor.has_place(jobs[2])  # card 1 is free and too small
    small = job(show_cards(tmp_path / "small"), needs_gib=4.0)
    assert executor.start(small) == "card 1"
    seen = [until(lambda one=one: _read(one.folder / "work" / "cards"), "it began") for one in (*jobs[:2], small)]
    assert seen == ["0", "2", "1"]
    again = Local()
    assert again.look(jobs[0]).state == "running"
    assert not again.has_place(job(show_cards(tmp_path / "late"), needs_gib=23.0))  # card 0 is known to be taken
    for one in (*jobs[:2], small):
        executor.stop(one)


def test_a_run_of_two_cards_gets_two_or_waits(cards: Path, tmp_path: Path) -> None:
    executor = Local()
    two = job(show_cards(tmp_path / "two"), needs_gib=16.0, cards=2)
    assert executor.has_place(two)
    assert not executor.has_place(job(show_cards(tmp_path / "three"), needs_gib=16.0, cards=3))
    cards.write_text("0, 24000\n1, 8000\n2, 1000\n", encoding="utf-8")  # somebody else took one
    assert not executor.has_place(two)


def test_cards_that_are_hidden_are_not_used(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1,2")
    assert sorted(free_gib()) == [1, 2]
    cards.write_text("no devices were found\n", encoding="utf-8")
    assert free_gib() == {}


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""
