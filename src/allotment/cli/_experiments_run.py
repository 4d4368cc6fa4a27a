"""``experiments run``: what is read before anything starts, the dry run, and the run itself."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from allotment.cli._experiments_live import Live
from allotment.cli._experiments_show import print_table_of
from allotment.cli._progress import duration
from allotment.cli._run import Run, print_table
from allotment.errors import PolicyError

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.experiments import ExecutorName, Experiment, PlannedRun, SentFile, Table
    from allotment.project import Project

_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Prepared:
    """An experiment that may be carried out."""

    project: Project
    experiment: Experiment


def prepared(
    run: Run,
    file: Path,
    executor: ExecutorName | None,
    max_cost: float | None,
    max_minutes: float | None,
    in_flight: int | None,
    prices: Path | None,
    price: Sequence[str],
) -> Prepared:
    """Read, estimated and checked; nothing is started."""
    from allotment.cli._training_estimate import price_list
    from allotment.experiments import plan_experiment

    project = run.project()
    path = file if file.exists() or file.is_absolute() else run.folder / file
    found = plan_experiment(
        project,
        run.workspace(),
        path,
        executor=executor,
        max_cost_usd=max_cost,
        max_minutes=max_minutes,
        in_flight=in_flight,
        cards=price_list(prices, price),
    )
    return Prepared(project, found)


def show_dry_run(run: Run, found: Prepared) -> None:
    """Every run with its estimate, and the total."""
    plan = found.experiment.plan
    value = {
        "name": plan.name,
        "agent": plan.agent,
        "executor": plan.executor,
        "runs": [_value(one) for one in plan.runs],
        "total": _total(found),
        "files_to_send": [vars(one) for one in _files(run, found)],
    }
    run.show(value, lambda console: _print_dry_run(console, run, found))


def _value(one: PlannedRun) -> dict[str, object]:
    names = ("id", "number", "varied", "base", "peak_gib", "safe_gib", "minutes", "usd", "usd_per_hour", "refused")
    limit = None if one.max_seconds is None else one.max_seconds / 60
    return {**{name: getattr(one, name) for name in names}, "note": one.note, "max_minutes": limit}


def _total(found: Prepared) -> dict[str, object]:
    runs = [one for one in found.experiment.plan.runs if not one.refused]
    minutes, dollars = [one.minutes for one in runs], [one.usd for one in runs]
    return {
        "runs": len(runs),
        "refused": len(found.experiment.plan.runs) - len(runs),
        "minutes": None if None in minutes else sum(one or 0.0 for one in minutes),
        "usd": None if None in dollars else sum(one or 0.0 for one in dollars),
        "max_cost_usd": found.experiment.plan.max_cost_usd,
    }


def _print_dry_run(console: Console, run: Run, found: Prepared) -> None:
    from rich.text import Text

    from allotment.experiments import RUNPOD_LIMITS, described, setting_cells

    plan, place = found.experiment.plan, found.experiment.place
    settings = list(dict.fromkeys(name for one in plan.runs for name in one.varied))
    columns = ("run", *settings, "peak GiB", "safe", "time", "$", "at most", "note")
    rows = [(str(one.number), *setting_cells(one.varied, settings), *_figures(one)) for one in plan.runs]
    card = place.card.source if place.card.gpu == "this machine" else f"{place.card.gpu}, {place.card.provider}"
    console.print(Text(f"{plan.name}: agent {plan.agent}, executor {plan.executor}, on {card}"))
    print_table(console, columns, rows, "")
    for line in _sentences(found):
        console.print(Text(line))
    for one in plan.runs:
        if one.refused:
            console.print(Text(f"Refused: run {one.number} ({described(one.varied)}): {one.refused}."))
    print_files(console, _files(run, found))
    if found.experiment.file.pods is not None and "runpod" in (found.experiment.file.pods.infra or "").lower():
        console.print(Text(RUNPOD_LIMITS))


def _figures(one: PlannedRun) -> tuple[str, ...]:
    return (
        _number(one.peak_gib),
        _number(one.safe_gib),
        _UNKNOWN if one.minutes is None else duration(round(one.minutes * 60)),
        _UNKNOWN if one.usd is None else f"{one.usd:.2f}",
        "" if one.max_seconds is None else duration(round(one.max_seconds)),
        "refused" if one.refused else one.note,
    )


def _number(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.2f}"


def _sentences(found: Prepared) -> list[str]:
    total, plan = _total(found), found.experiment.plan
    minutes, usd = total["minutes"], total["usd"]
    time = _UNKNOWN if not isinstance(minutes, float | int) else duration(round(minutes * 60))
    money = _UNKNOWN if not isinstance(usd, float | int) else f"{usd:.2f} $"
    told = [f"Total of {total['runs']} runs one after another: {time} of training, {money}."]
    if total["refused"]:
        told.append(f"{total['refused']} of {len(plan.runs)} are refused: they would not end well.")
    if plan.max_cost_usd is not None:
        told.append(f"All together may cost {plan.max_cost_usd:.2f} $ at most; what is in flight counts in full.")
    if minutes is None:
        told.append("A processor's minutes are known after the first training here, or from the first runs.")
    return told


def _files(run: Run, found: Prepared) -> list[SentFile]:
    from allotment.experiments import files_to_send

    return list(files_to_send(found.project, run.workspace(), found.experiment))


def print_files(console: Console, files: Sequence[SentFile]) -> None:
    """What would leave this machine."""
    if files:
        rows = [(one.name, f"{one.size_bytes / 1e6:.2f} MB", one.what) for one in files]
        print_table(console, ("sent to rented machines", "size", "what it is"), rows, "")


def require_consent(run: Run, found: Prepared, *, yes: bool) -> None:
    """List what is sent away first, and send nothing that nobody said yes to.

    Raises:
        PolicyError: nobody said yes.
    """
    files = _files(run, found)
    if not files:
        return
    from allotment.cli._run import console_on

    print_files(console_on(sys.stderr), files)
    if yes:
        return
    if sys.stdin.isatty() and sys.stderr.isatty():
        sys.stderr.write("Send these files? Write yes: ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() == "yes":
            return
    raise PolicyError(
        "nothing was sent: files leave this machine only when somebody says so.",
        element=found.experiment.plan.name,
        remedy="Look at the list, then run it again with --yes.",
    )


def carry_out(run: Run, found: Prepared) -> Table:
    """Run it, shown live on stderr."""
    from allotment.evaluation import is_right
    from allotment.experiments import load_table, run_experiment

    plan, workspace = found.experiment.plan, run.workspace()
    with Live(workspace, plan.name, sys.stderr) as live:
        run_experiment(found.project, workspace, found.experiment, is_right=is_right, tell=live)
    return load_table(workspace, plan.name)


def show_table(run: Run, table: Table) -> None:
    """The table of what came out."""
    run.show(table, lambda console: print_table_of(console, table))
