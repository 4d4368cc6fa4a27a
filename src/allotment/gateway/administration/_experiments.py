"""Experiments: how their runs stand, and the curves of all of them in one picture.

Settings and figures say nothing of what was learnt, so whoever may see training may see them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from allotment.errors import AllotmentError, MissingPartError
from allotment.experiments import (
    Curve,
    Row,
    Summary,
    Table,
    described,
    list_experiments,
    load_curves,
    load_table,
    ranked,
)
from allotment.gateway.administration._chart import Chart, Frame, Line
from allotment.gateway.administration._door import AdminGrant, require_admin
from allotment.gateway.administration._fault import AdminFault
from allotment.gateway.administration._loss import loss_axis
from allotment.gateway.wording import Message, say, say_many
from allotment.training.record._axis import step_axis
from allotment.workspace import Workspace

MOST_ROWS = 200
"""Runs that a page shows: the one to keep, those at work, and the best by what decides."""
MOST_CURVES = 60
NOT_READ = say("The plan or the journal of this experiment is not what was written.")

Kind = Literal["kept", "running", "other"]
KINDS: dict[Kind, Message] = {
    "other": say("other runs"),
    "running": say("at work"),
    "kept": say("the run to keep"),
}
"""Kind of curve → its words in the legend. What is drawn last lies on top."""


@dataclass(frozen=True)
class RunView:
    """A run with its settings in words."""

    row: Row
    settings: str
    kept: bool


@dataclass(frozen=True)
class ExperimentView:
    """An experiment as it stands."""

    table: Table
    runs: tuple[RunView, ...]
    """The best by what decides first, those without it behind."""
    left_out: int
    """Runs that are not shown."""
    chart: Chart | None
    command: str
    """What makes the run to keep the agent's adapter; empty where there is none."""


class Experiments:
    """What an administrator sees of experiments. Nothing here starts or stops one."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def all(self, grant: AdminGrant) -> tuple[Summary, ...]:
        """Every experiment, the one that changed last first."""
        require_admin(grant, "training")
        return tuple(list_experiments(self._workspace))

    def view(self, grant: AdminGrant, name: str) -> ExperimentView:
        """One experiment.

        Raises:
            AdminFault: there is none, or it cannot be read.
        """
        require_admin(grant, "training")
        try:
            table = load_table(self._workspace, name, compared=False)
            kept = table.keep.run if table.keep else ""
            rows = ranked(table.rows, table.decide, higher=table.higher_is_better)
            curves = load_curves(self._workspace, name, {row.id for row in chosen(rows, kept, MOST_CURVES)})
        except MissingPartError:
            raise AdminFault(say("There is no such experiment."), status=404) from None
        except AllotmentError:
            raise AdminFault(NOT_READ, status=409) from None
        shown = chosen(rows, kept, MOST_ROWS)
        return ExperimentView(
            table,
            tuple(RunView(row, described(row.settings), row.id == kept) for row in shown),
            len(rows) - len(shown),
            curves_chart(curves, shown, kept, table.name),
            f"allotment training run {table.agent} --from-experiment {kept}" if kept else "",
        )


def curves_chart(curves: Sequence[Curve], rows: Sequence[Row], kept: str, name: str) -> Chart | None:
    """The losses of runs over their steps, one line each; none before the first step of any.

    Args:
        curves: those that are drawn.
        rows: the runs, which say what is at work.
        kept: the run to keep, which lies on top; empty if there is none.
        name: of the experiment.
    """
    at_work = {row.id for row in rows if row.state == "running"}
    values = [value for curve in curves for _, value in curve.loss if math.isfinite(value)]
    if not values:
        return None
    steps = [step for curve in curves for step, _ in curve.loss]
    frame = Frame(step_axis(min(steps), max(steps)), loss_axis(values))
    lines: list[Line] = []
    for kind, words in KINDS.items():
        of_kind = [curve for curve in curves if _kind(curve, kept, at_work) == kind]
        for number, curve in enumerate(of_kind):
            told = say("run %(number)s: %(settings)s", number=curve.number, settings=curve.label)
            lines.append(frame.line(kind, "" if number else words, curve.loss, told))
    return Chart(
        say("Loss of the runs of %(experiment)s", experiment=name),
        say_many(
            "%(num)s run, loss from %(low)s to %(high)s.",
            "%(num)s runs, loss from %(low)s to %(high)s.",
            len(curves),
            low=format(min(values), ".3g"),
            high=format(max(values), ".3g"),
        ),
        say("step"),
        say("loss, nats a token"),
        tuple(lines),
        (),
        frame.x_ticks(),
        frame.y_ticks(),
    )


def _kind(curve: Curve, kept: str, at_work: set[str]) -> Kind:
    return "kept" if curve.id == kept else "running" if curve.id in at_work else "other"


def chosen(rows: Sequence[Row], kept: str, most: int) -> list[Row]:
    """So many rows at most, in their order: the run to keep, those at work, and the first of the others."""
    first = [row for row in rows if row.id == kept or row.state == "running"]
    others = [row for row in rows if row.id != kept and row.state != "running"]
    ids = {row.id for row in [*first, *others][:most]}
    return [row for row in rows if row.id in ids]
