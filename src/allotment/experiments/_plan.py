"""What an experiment will do: its runs with their estimates, as they are kept for whoever looks at it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from allotment.errors import IntegrityError, MissingPartError
from allotment.workspace import Workspace, write_atomic

_PLAN = "plan.json"
FOLDER = "experiments"


@dataclass(frozen=True)
class PlannedRun:
    """One run before it starts. None is unknown."""

    id: str
    """Of its agent, dataset, base model and settings: another dataset makes another run."""
    number: int
    """In the file, from 1."""
    base: str
    training: dict[str, Any]
    """All settings, as in ``allotment.yaml``."""
    varied: dict[str, Any]
    """Those that differ from run to run."""
    cards: int = 1
    peak_gib: float | None = None
    """Expected."""
    safe_gib: float | None = None
    """What the peak should not exceed."""
    minutes: float | None = None
    """Expected, of training alone."""
    usd: float | None = None
    """Expected, of training alone."""
    usd_per_hour: float | None = None
    max_seconds: float | None = None
    """After which it is ended, all attempts together."""
    refused: str = ""
    """Why it will not be started; empty if it will."""
    note: str = ""
    estimate: dict[str, Any] = field(default_factory=dict)
    """The estimator's row."""


@dataclass(frozen=True)
class Plan:
    """An experiment whose runs are known."""

    name: str
    agent: str
    path: str
    """Of its file."""
    file_sha256: str
    decide: str
    executor: str
    retries: int
    max_cost_usd: float | None
    halving_at: tuple[int, ...]
    halving_keep: float
    runs: tuple[PlannedRun, ...]

    @property
    def is_better_when_higher(self) -> bool:
        """Whether more of what decides is better."""
        return self.decide == "recall"

    def run(self, identity: str) -> PlannedRun:
        """The run with this id.

        Raises:
            MissingPartError: there is none.
        """
        for run in self.runs:
            if identity in (run.id, str(run.number)):
                return run
        raise MissingPartError(
            "there is no such run.",
            element=f"{self.name}/{identity}",
            remedy=f"List them: `allotment experiments table {self.name}`.",
        )


def experiments_dir(workspace: Workspace) -> Path:
    """Where experiments are kept."""
    return workspace.home / FOLDER


def run_folder(home: Path, run: str) -> Path:
    """Folder of a run of the experiment in ``home``."""
    return home / "runs" / run


def save_plan(home: Path, plan: Plan) -> None:
    """Keep the plan for whoever looks."""
    write_atomic(home / _PLAN, json.dumps(asdict(plan), ensure_ascii=False, indent=1))


def load_plan(home: Path) -> Plan:
    """The plan of the experiment in ``home``.

    Raises:
        MissingPartError: there is no such experiment.
        IntegrityError: its plan is not what was written.
    """
    try:
        raw = json.loads((home / _PLAN).read_text(encoding="utf-8"))
        runs = tuple(PlannedRun(**run) for run in raw["runs"])
        return Plan(**{**raw, "runs": runs, "halving_at": tuple(raw["halving_at"])})
    except FileNotFoundError:
        raise MissingPartError(
            "there is no such experiment.", element=home.name, remedy="Run one: `allotment experiments run FILE`."
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "is not what was written.", element=str(home / _PLAN), remedy="Run the experiment's file again."
        ) from error
