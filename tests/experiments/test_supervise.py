"""One run is one process: whatever becomes of the training in it, there is a result that says so."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from stub_run import ended, ends, is_alive, job, make_run, steps, supervise, until

from allotment.experiments import _supervise
from allotment.experiments._executor import Look
from allotment.experiments._outcome import read_outcome

SLEEPS = "import time; time.sleep(600)"
EATS = "import time; held = bytearray(200 * 2**20); time.sleep(600)"


@pytest.mark.parametrize(
    ("state", "code"),
    [("ok", 0), ("out-of-memory", 20), ("non-finite", 21), ("bad-data", 22), ("configuration", 23)],
)
def test_the_exit_code_and_the_result_say_how_it_ended(state: str, code: int, tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", ends(state, code, element="training.rank", remedy="Mend it."))
    found, result = ended(folder)
    assert (found, result["state"], result["exit_code"], result["attempt"]) == (code, state, code, 1)
    assert 0 < result["seconds"] < 60
    if state != "ok":
        assert (result["error"], result["element"], result["remedy"]) == ("why", "training.rank", "Mend it.")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "exit code -9"),
        ("import sys; sys.exit('the card fell out')", "the card fell out"),
        ("import sys; open(sys.argv[1].replace('spec', 'result'), 'w').write('{\"state\": \"ok')", "exit code 0"),
        (ends("ok", 1), "exit code 1"),
        (ends("ok", 0, measured=None), "exit code 0"),
    ],
    ids=["killed", "exception", "cut short", "ok with an exit code", "ok without figures"],
)
def test_what_leaves_no_whole_result_is_a_fault_of_the_machine(source: str, told: str, tmp_path: Path) -> None:
    code, result = ended(make_run(tmp_path / "run", source))
    assert (code, result["state"]) == (33, "infrastructure")
    assert told in result["error"]


def test_a_run_is_ended_when_its_time_is_up(tmp_path: Path) -> None:
    code, result = ended(make_run(tmp_path / "run", SLEEPS, max_seconds=0.5))
    assert (code, result["state"]) == (24, "time-limit")
    assert 0.5 <= result["seconds"] < 30


def test_a_run_that_holds_more_memory_than_it_may_is_ended_before_the_others_suffer(tmp_path: Path) -> None:
    code, result = ended(make_run(tmp_path / "run", EATS, memory_gib=0.1))
    assert (code, result["state"]) == (20, "out-of-memory")
    assert "may hold 0.10" in result["error"]


def test_a_stop_ends_the_training_and_says_so(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", SLEEPS)
    with supervise(folder) as process:
        until(lambda: (folder / "heartbeat.json").exists(), "a heartbeat")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 25
    assert _supervise.read_json(folder / "result.json")["state"] == "stopped"


def test_a_second_process_of_a_run_touches_nothing(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", SLEEPS)
    with supervise(folder) as first:
        until(lambda: (folder / "process.json").exists(), "the first at work")
        with supervise(folder) as second:
            assert second.wait(30) == 75
        assert first.poll() is None
        first.terminate()
        assert first.wait(30) == 25


def test_an_attempt_that_has_ended_is_not_run_again(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", ends("ok", 0))
    assert ended(folder)[0] == 0
    make_run(tmp_path / "run", ends("bad-data", 22))
    assert ended(folder)[0] == 0  # the same attempt
    make_run(tmp_path / "run", ends("bad-data", 22), attempt=2)
    assert ended(folder, 2)[0] == 22


def test_an_attempt_that_was_overtaken_by_a_later_one_does_nothing(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", ends("ok", 0), attempt=2)
    assert ended(folder, 1)[0] == 75
    assert not (folder / "result.json").exists()


def test_a_training_does_not_outlive_its_killed_supervisor(tmp_path: Path) -> None:
    source = f"import os, pathlib; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); {SLEEPS}"
    folder = make_run(tmp_path / "run", source)
    with supervise(folder) as process:
        pid = int(until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the training"))
        process.kill()
    until(lambda: not is_alive(pid), "the training ends as well")
    found = read_outcome(job(folder), Look("absent", "its process is gone"), {}, lambda answer, value: True)
    assert found.state == "infrastructure"
    assert "its process is gone" in found.error


def test_a_spec_that_was_cut_short_is_a_fault_of_configuration(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", ends("ok", 0))
    (folder / "spec.json").write_text('{"attempt": 1, "worker"', encoding="utf-8")
    code, result = ended(folder)
    assert (code, result["state"]) == (23, "configuration")


def test_a_result_that_was_cut_short_costs_nothing_but_another_attempt(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", steps(3, 0.01))
    assert ended(folder)[0] == 0
    whole = (folder / "result.json").read_text(encoding="utf-8")
    (folder / "heartbeat.json").write_text('{"attempt": 1, "seconds": 7.5}', encoding="utf-8")
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        (folder / "result.json").write_text(whole[:length], encoding="utf-8")
        found = read_outcome(job(folder), Look("ended"), {}, lambda answer, value: True)
        assert (found.state, found.seconds) == ("infrastructure", 7.5)
        assert "cut short" in found.error


def test_another_attempts_result_is_not_this_ones_and_is_not_billed_again(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", ends("ok", 0))
    assert ended(folder)[0] == 0
    found = read_outcome(job(folder, 2), Look("absent"), {}, lambda answer, value: True)
    assert (found.state, found.seconds) == ("never-began", 0.0)


def test_seconds_are_those_of_the_machine_whatever_its_clock_says(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", ends("ok", 0))
    began = time.monotonic()
    assert ended(folder)[0] == 0
    took = time.monotonic() - began
    for file in folder.rglob("*.json"):
        os.utime(file, (0, 0))  # as if the machine were in 1970
    found = read_outcome(job(folder), Look("ended"), {}, lambda answer, value: True)
    assert 0 < found.seconds <= took


def test_answers_are_counted_where_the_values_are_known(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", ends("ok", 0))
    rows = [{"id": "a", "answer": "It is K7."}, {"id": "b", "answer": "no idea"}, {"id": "gone", "answer": "K9"}]
    (folder / "work" / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert ended(folder)[0] == 0
    found = read_outcome(job(folder), Look("ended"), {"a": "K7", "b": "K8"}, lambda answer, value: value in answer)
    assert (found.outcome["right"], found.outcome["asked"], found.outcome["recall"]) == (1, 2, 0.5)
