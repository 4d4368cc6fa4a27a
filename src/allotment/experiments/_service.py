"""What other parts read of experiments: which there are, how one stands, and the curves of its runs. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from allotment.errors import AllotmentError, IntegrityError, MissingPartError
from allotment.experiments import _supervise
from allotment.experiments._expand import described
from allotment.experiments._journal import Journal
from allotment.experiments._plan import Plan, experiments_dir, load_plan, run_folder
from allotment.experiments._table import Table, table_of
from allotment.project._base import check_name
from allotment.training.record._metrics import read_metrics
from allotment.training.record._plot import thin
from allotment.workspace import Workspace

_POINTS = 400


@dataclass(frozen=True)
class Summary:
    """An experiment in the list."""

    name: str
    agent: str
    changed: str
    """When its journal last grew, UTC, ISO 8601; empty before its first run."""
    runs: int
    done: int
    at_work: int
    waiting: int
    failed: int
    usd: float | None
    keep: str
    """Run to keep, ``EXPERIMENT/RUN``; empty before one has ended well."""
    fault: str
    """Why it cannot be read; empty if it can."""

    @property
    def moment(self) -> datetime | None:
        """``changed`` as a moment; none before its first run."""
        return datetime.fromisoformat(self.changed) if self.changed else None


@dataclass(frozen=True)
class Curve:
    """How a run learnt. Points are few enough to be drawn."""

    id: str
    """``EXPERIMENT/RUN``."""
    number: int
    label: str
    """Its settings in words."""
    loss: tuple[tuple[int, float], ...]
    """Step and loss of its answer tokens, in nats."""
    held_out: tuple[tuple[int, float], ...]
    """Step and loss on held-out documents."""


def list_experiments(workspace: Workspace) -> list[Summary]:
    """Every experiment, the one that changed last first."""
    folder = experiments_dir(workspace)
    names = sorted(path.parent.name for path in folder.glob("*/plan.json"))
    return sorted((_summary(workspace, name) for name in names), key=lambda one: one.changed, reverse=True)


def _summary(workspace: Workspace, name: str) -> Summary:
    file = experiments_dir(workspace) / name / "journal.jsonl"
    at = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(timespec="seconds") if file.exists() else ""
    try:
        table = load_table(workspace, name)
    except AllotmentError as error:
        return Summary(name, "", at, 0, 0, 0, 0, 0, None, "", str(error))
    total = table.totals
    keep = table.keep.run if table.keep else ""
    counts = (total.runs, total.done, total.at_work, total.waiting, total.failed)
    return Summary(name, table.agent, at, *counts, total.usd, keep, "")


def load_table(workspace: Workspace, name: str, *, compared: bool = True) -> Table:
    """An experiment as it stands now, whether a driver is at work or not; ``compared`` as for ``table_of``.

    Raises:
        MissingPartError: there is no such experiment.
        IntegrityError: its plan or its journal is not what was written.
    """
    home = experiments_dir(workspace) / _checked(name)
    return table_of(load_plan(home), Journal(home), home, compared=compared)


def table_now(workspace: Workspace, plan: Plan, journal: Journal) -> Table:
    """The table while a driver is at work, for a look: nothing is compared."""
    return table_of(plan, journal, experiments_dir(workspace) / plan.name, compared=False)


def load_curves(workspace: Workspace, name: str, wanted: Collection[str] | None = None) -> list[Curve]:
    """The curves of an experiment's runs, of those that have made a step. Errors as ``load_table``.

    Args:
        workspace: where experiments are kept.
        name: of the experiment.
        wanted: runs, ``EXPERIMENT/RUN``; all if none. Of no other is anything read.
    """
    home = experiments_dir(workspace) / _checked(name)
    found = []
    for run in load_plan(home).runs:
        if wanted is not None and f"{name}/{run.id}" not in wanted:
            continue
        file = run_folder(home, run.id) / _supervise.WORK / "metrics.jsonl"
        try:
            metrics = read_metrics(file)
        except (FileNotFoundError, IntegrityError):  # a broken record is no curve; its row stands
            continue
        loss = thin([(row.step, row.loss) for row in metrics.steps if row.loss == row.loss], _POINTS)
        held = thin([(row.step, row.held_out_loss) for row in metrics.evaluations], _POINTS)
        label = described(run.varied)
        if loss:
            found.append(Curve(f"{name}/{run.id}", run.number, label, _points(loss), _points(held)))
    return found


def _points(points: list[tuple[float, float]]) -> tuple[tuple[int, float], ...]:
    return tuple((int(step), value) for step, value in points)


def _checked(name: str) -> str:
    """A name is no path."""
    try:
        return check_name(name)
    except ValueError as error:
        raise MissingPartError(
            f"{error}.", element=name[:60], remedy="List experiments: `allotment experiments list`."
        ) from None
