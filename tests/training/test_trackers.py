"""Trackers: told of numbers on this machine, and left alone once they fail.

The tests of trackio and MLflow themselves run where they are installed: ``pip install 'allotment[trackio,mlflow]'``.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tracking import SECRET

from allotment.errors import MissingPartError
from allotment.training.worker._trackers import check_trackers, guarded, open_trackers

PACKAGES = {"trackio": ("trackio",), "mlflow": ("mlflow", "sqlalchemy", "alembic")}

HUSHED = ("PYTEST_CURRENT_TEST", "CI", "GITHUB_ACTIONS", "GITLAB_CI", "DO_NOT_TRACK")
"""Where these are set MLflow calls nobody anyway."""


def missing(name: str) -> bool:
    return any(find_spec(package) is None for package in PACKAGES[name])


needs_trackio = pytest.mark.skipif(missing("trackio"), reason="trackio is not installed")
needs_mlflow = pytest.mark.skipif(missing("mlflow"), reason="mlflow-skinny, sqlalchemy and alembic are not installed")


class Notebook:
    """A tracker of one's own: a line for each step in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.log(0, {})

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """One line."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([step, dict(values)]) + "\n")

    def close(self, *, failed: bool = False) -> None:
        """The last line."""
        self.log(-1, {"failed": failed})

    def lines(self) -> list[Any]:
        """What was told."""
        return [json.loads(line) for line in self._file.read_text(encoding="utf-8").splitlines()]


def report(folder: Path, *names: str, run: str = "board-1", **environment: str) -> dict[str, Any]:
    """What ``tracking.py`` saw, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if name not in HUSHED}
    found = subprocess.run(
        [sys.executable, "-W", "ignore", str(Path(__file__).with_name("tracking.py")), str(folder), run, *names],
        capture_output=True,
        text=True,
        check=True,
        env={**kept, "OMP_NUM_THREADS": "1", "HOME": str(folder.parent), **environment},
        timeout=120,
    )
    assert len(found.stdout.splitlines()) == 1, found.stdout  # stdout carries the training's events alone
    seen: dict[str, Any] = json.loads(found.stdout)
    return seen


def rows(database: Path, query: str) -> list[Any]:
    with sqlite3.connect(database) as connection:
        return connection.execute(query).fetchall()


def holds(folder: Path, text: str) -> bool:
    return any(text.encode() in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_a_tracker_gets_finite_numbers_and_nothing_else(tmp_path: Path) -> None:
    notebook, warnings = Notebook(tmp_path / "told"), list[str]()
    tracker = guarded("notebook", lambda: notebook, warnings.append)
    tracker.log(1, {"step": 1, "loss": 0.5, "passes": 2, "mfu": None, "detail": SECRET, "grad_norm": float("inf")})
    tracker.log(2, {"event": "spike", "detail": SECRET})
    tracker.close(failed=True)
    assert notebook.lines() == [[0, {}], [1, {"loss": 0.5, "passes": 2}], [-1, {"failed": True}]]
    assert not warnings


def test_a_tracker_that_fails_is_told_of_once_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    notebook, warnings = Notebook(tmp_path / "there" / "told"), list[str]()
    tracker = guarded("notebook", lambda: notebook, warnings.append)
    shutil.rmtree(tmp_path / "there")
    for step in range(5):
        tracker.log(step, {"loss": 0.5})
    (tmp_path / "there").mkdir()
    tracker.log(6, {"loss": 0.5})
    tracker.close()
    assert len(warnings) == 1
    assert warnings[0].startswith("notebook failed (FileNotFoundError")
    assert not list((tmp_path / "there").iterdir())


def test_a_tracker_that_cannot_be_opened_stops_nothing(tmp_path: Path) -> None:
    warnings: list[str] = []
    tracker = guarded("notebook", lambda: Notebook(tmp_path / "nowhere" / "told"), warnings.append)
    tracker.log(1, {"loss": 0.5})
    tracker.close()
    assert len(warnings) == 1


def test_no_tracker_is_opened_where_none_is_wanted_or_another_process_speaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_trackers([], "board-1", {}, tmp_path, pytest.fail) == []
    monkeypatch.setenv("RANK", "1")
    assert open_trackers(["trackio", "mlflow"], "board-1", {}, tmp_path, pytest.fail) == []


@pytest.mark.parametrize("name", ["trackio", "mlflow"])
def test_a_missing_package_is_named_with_the_command_that_brings_it(name: str, tmp_path: Path) -> None:
    if not missing(name):
        check_trackers([name])
        return
    with pytest.raises(MissingPartError, match=f"{name} needs {PACKAGES[name][0]}") as caught:
        open_trackers([name], "board-1", {}, tmp_path, pytest.fail)
    assert f"pip install 'allotment[{name}]'" in caught.value.remedy


@needs_trackio
def test_trackio_gets_steps_and_settings_in_a_file_here_and_nobody_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "trackers"
    elsewhere = {
        "TRACKIO_SPACE_ID": "someone/space",
        "TRACKIO_SERVER_URL": "http://192.0.2.1/",
        "HF_TOKEN": "hf_nobody",
    }
    for _ in range(2):  # the second goes on with the run of the first
        assert report(folder, "trackio", **elsewhere) == {"warnings": [], "reached": []}
    (database,) = (folder / "trackio").glob("*.db")
    told = [
        (name, step, json.loads(values))
        for name, step, values in rows(database, "select run_name, step, metrics from metrics")
    ]
    assert {name for name, _, _ in told} == {"board-1"}
    assert (("board-1", 2, {"loss": 1.5}) in told, ("board-1", 3, {"epoch": 1.0, "held_out_loss": 1.25}) in told) == (
        True,
        True,
    )
    assert len(rows(database, "select distinct run_id from metrics")) == 1
    assert holds(folder, '"rank"')
    assert not holds(folder, SECRET)


@needs_mlflow
def test_mlflow_gets_steps_and_settings_in_a_database_here_and_nobody_is_called(tmp_path: Path) -> None:
    folder = tmp_path / "trackers"
    for _ in range(2):
        assert report(folder, "mlflow") == {"warnings": [], "reached": []}
    database = folder / "mlflow.db"
    assert rows(database, "select name, status from runs") == [("board-1", "FINISHED")]
    told = rows(database, "select distinct key, step, value from metrics order by key, step")
    assert told == [("epoch", 3, 1.0), ("held_out_loss", 3, 1.25), ("loss", 1, 3.0), ("loss", 2, 1.5), ("loss", 3, 1.0)]
    assert {("rank", "4"), ("seed", "11"), ("method", "lora")} <= set(rows(database, "select key, value from params"))
    assert not holds(folder, SECRET)


@needs_mlflow
def test_a_server_of_mlflow_that_does_not_answer_delays_nothing_and_is_told_of_once(tmp_path: Path) -> None:
    seen = report(tmp_path / "trackers", "mlflow", MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert len(seen["warnings"]) == 1
    assert seen["warnings"][0].startswith("mlflow failed (")
    assert set(seen["reached"]) == {"127.0.0.1"}
