"""Experiment trackers that are told of a training, besides its own ``metrics.jsonl``: trackio and MLflow.

Both are optional and on this machine: they write below ``.allotment/trackers`` and call nobody, unless
``MLFLOW_TRACKING_URI`` names a server of yours. They are told numbers and the settings of ``training``; no text of an
example, a document or an error reaches them. A tracker that fails is left alone from then on: it never stops or delays
a training for longer than one request.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from allotment.errors import MissingPartError
from allotment.project import TrainingConfig
from allotment.training._ranks import is_first

PROJECT = "allotment"
"""What trackers call the project, or the experiment, that runs belong to."""
_PARTS = {"trackio": ("trackio",), "mlflow": ("mlflow", "sqlalchemy", "alembic")}
_FLUSH_S = 5.0
"""Rows wait for others so long: writing one to MLflow's database takes as long as a small step."""
_FLUSH_ROWS = 50
"""MLflow takes at most 1,000 metrics at once."""
_LONGEST = 200
"""Characters of a tracker's error that are passed on; a database tells all it was given."""


class Tracker(Protocol):
    """Something that is told of a training."""

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Figures of a step."""

    def close(self, *, failed: bool = False) -> None:
        """The training has ended."""


def check_trackers(names: Sequence[str]) -> None:
    """Make sure that the packages are there, without loading them.

    Raises:
        MissingPartError: one is not.
    """
    for name in names:
        missing = [part for part in _PARTS[name] if find_spec(part) is None]
        if missing:
            raise MissingPartError(
                f"{name} needs {', '.join(missing)}.",
                element="training.report_to",
                remedy=f"Install it: `pip install 'allotment[{name}]'`, or leave report_to out.",
            )


def open_trackers(
    names: Sequence[str], run_name: str, settings: Mapping[str, Any], folder: Path, warn: Callable[[str], None]
) -> list[Tracker]:
    """The trackers of a training; a run of the same name is gone on with. To be called in the training's own process.

    Args:
        names: of ``training.report_to``.
        run_name: what the run is called there.
        settings: the ``training`` section; what is not of it is not told.
        folder: where they write.
        warn: told once of each tracker that fails.

    Raises:
        MissingPartError: a package is not there.
    """
    if not is_first():
        return []
    check_trackers(names)
    kinds: dict[str, Callable[..., Tracker]] = {"trackio": _Trackio, "mlflow": _MLflow}
    told = _told(settings)
    return [guarded(name, partial(kinds[name], run_name, told, folder), warn) for name in names]


def guarded(name: str, open_it: Callable[[], Tracker], warn: Callable[[str], None]) -> Tracker:
    """A tracker that fails once, with a warning, and is silent from then on. Opening it may be what fails."""
    return _Guarded(name, open_it, warn)


class _Guarded:
    """See ``guarded``."""

    def __init__(self, name: str, open_it: Callable[[], Tracker], warn: Callable[[str], None]) -> None:
        self._name, self._warn = name, warn
        self._inner: Tracker | None = None
        self._try(lambda: setattr(self, "_inner", open_it()))

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Finite numbers, and nothing else."""
        numbers = _numbers(values)
        if (inner := self._inner) is not None and numbers:
            self._try(lambda: inner.log(step, numbers))

    def close(self, *, failed: bool = False) -> None:
        """Once; a tracker that failed before is not asked again."""
        if (inner := self._inner) is not None:
            self._try(lambda: inner.close(failed=failed))
            self._inner = None

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self._inner = None
            told = f"{type(error).__name__}: {' '.join(str(error).split())}"[:_LONGEST]
            self._warn(f"{self._name} failed ({told}); the training goes on without it")


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: value
        for name, value in values.items()
        if name != "step" and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


def _told(settings: Mapping[str, Any]) -> dict[str, str | float]:
    """Settings that ``training`` has, as single values."""
    known = {name: settings[name] for name in TrainingConfig.model_fields if settings.get(name) is not None}
    return {name: ", ".join(value) if isinstance(value, list | tuple) else value for name, value in known.items()}


class _Trackio:
    """A run in trackio's SQLite file. Where it would send to elsewhere, by the environment, it does not.

    It writes in a thread of its own and tells of its failures itself, as Python warnings.
    """

    def __init__(self, run_name: str, settings: Mapping[str, Any], folder: Path) -> None:
        os.environ["TRACKIO_DIR"] = str(folder / "trackio")
        os.environ["HF_HUB_OFFLINE"] = "1"  # else it asks the hub who the user is
        for elsewhere in ("TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL", "TRACKIO_WEBHOOK_URL"):
            os.environ.pop(elsewhere, None)
        self._trackio = import_module("trackio")
        with redirect_stdout(sys.stderr):  # stdout carries the training's events alone
            self._run = self._trackio.init(
                project=PROJECT,
                name=run_name,
                config=dict(settings),
                resume="allow",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._run.log(dict(values), step=step)

    def close(self, *, failed: bool = False) -> None:
        with redirect_stdout(sys.stderr):
            self._trackio.finish()


class _MLflow:
    """A run in MLflow's database, or on the server that ``MLFLOW_TRACKING_URI`` names."""

    def __init__(self, run_name: str, settings: Mapping[str, Any], folder: Path) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")  # seven, and two minutes for each
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
        folder.mkdir(parents=True, exist_ok=True)
        address = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}?timeout=30"
        self._entities = import_module("mlflow.entities")
        with FileLock(folder / "mlflow.lock"):  # its tables and the experiment are made by one at a time
            self._client = import_module("mlflow.tracking").MlflowClient(tracking_uri=address)
            self._id = self._run_id(run_name, self._experiment(folder))
        parameters = [self._entities.Param(name, str(value)) for name, value in settings.items()]
        self._client.log_batch(self._id, params=parameters)
        self._waiting: list[Any] = []
        self._rows, self._flushed = 0, time.monotonic()

    def _experiment(self, folder: Path) -> str:
        found = self._client.get_experiment_by_name(PROJECT)
        if found is not None:
            return str(found.experiment_id)
        place = None if "MLFLOW_TRACKING_URI" in os.environ else (folder / "mlflow").resolve().as_uri()
        return str(self._client.create_experiment(PROJECT, artifact_location=place))

    def _run_id(self, name: str, experiment: str) -> str:
        same = f"attributes.run_name = '{name}'"
        for run in self._client.search_runs([experiment], filter_string=same, max_results=1):
            self._client.update_run(run.info.run_id, status="RUNNING")
            return str(run.info.run_id)
        return str(self._client.create_run(experiment, run_name=name).info.run_id)

    def log(self, step: int, values: Mapping[str, float]) -> None:
        now = time.time_ns() // 1_000_000
        self._waiting += [self._entities.Metric(name, float(value), now, step) for name, value in values.items()]
        self._rows += 1
        if self._rows >= _FLUSH_ROWS or time.monotonic() - self._flushed > _FLUSH_S:
            self._flush()

    def close(self, *, failed: bool = False) -> None:
        self._flush()
        self._client.set_terminated(self._id, status="FAILED" if failed else "FINISHED")

    def _flush(self) -> None:
        if self._waiting:
            self._client.log_batch(self._id, metrics=self._waiting)
        self._waiting, self._rows, self._flushed = [], 0, time.monotonic()
