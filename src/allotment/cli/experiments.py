"""``allotment experiments``: many trainings at once, how they compare, and what still costs money."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from allotment.cli._app import command, group
from allotment.cli._run import Run

experiments = group("experiments", "Many trainings at once, and which setting to keep.")

_NONE = "No experiment has been run yet: write experiments/FILE.yaml and run `allotment experiments run FILE`."

File = Annotated[Path, typer.Argument(metavar="FILE", help="An experiment's file, as experiments/NAME.yaml.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="An experiment's name, or its file.")]
Where = Literal["local", "ray", "pods"]
SOME_FAILED = 1


@command(experiments, "run")
def run_experiments(
    run: Run,
    file: File,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show every run with its memory, minutes and dollars; start nothing.")
    ] = False,
    executor: Annotated[
        Where | None, typer.Option("--executor", help="Where runs go, instead of what the file says.")
    ] = None,
    max_cost: Annotated[
        float | None,
        typer.Option("--max-cost", metavar="USD", min=0, help="Most that all runs may cost, those in flight included."),
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option("--max-minutes", metavar="N", min=0.01, help="Longest that one run may take.")
    ] = None,
    in_flight: Annotated[int | None, typer.Option("--in-flight", metavar="N", min=1, help="Most runs at once.")] = None,
    prices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A price list, as for `training estimate`; for pods.", show_default=False),
    ] = None,
    price: Annotated[
        list[str] | None,
        typer.Option(metavar="CARD=USD", help="Your price of a card, an hour; may be repeated.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send the files that are listed to rented machines.")] = False,
) -> int:
    """Run every training of a file, or go on where it stopped.

    What is done is kept, what still runs is found again, a crash costs its own row. Ctrl-C ends what runs; the same
    command goes on from its checkpoints.
    """
    from allotment.cli import _experiments_run as shown

    prepared = shown.prepared(run, file, executor, max_cost, max_minutes, in_flight, prices, price or ())
    if dry_run:
        shown.show_dry_run(run, prepared)
        return 0
    shown.require_consent(run, prepared, yes=yes)
    table = shown.carry_out(run, prepared)
    shown.show_table(run, table)
    return SOME_FAILED if table.totals.failed else 0


@command(experiments, "list")
def list_experiments(run: Run) -> None:
    """List the experiments: how far each is, what it cost, and which run to keep."""
    from allotment.cli._experiments_show import LIST_COLUMNS, list_cells
    from allotment.experiments import list_experiments as listed

    rows = listed(run.workspace())
    run.show_table(LIST_COLUMNS, [list_cells(row) for row in rows], rows, _NONE)


@command(experiments, "table")
def table_experiments(
    run: Run,
    name: Name,
    form: Annotated[
        Literal["text", "markdown", "csv", "html"], typer.Option("--format", help="What is written.")
    ] = "text",
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="Where to, instead of the terminal.")
    ] = None,
) -> None:
    """Show how an experiment's runs compare: what to keep and why, what crashed, which settings differ.

    It may be looked at while the runs are at work. HTML is one page with pictures that needs nothing else.
    """
    from allotment.cli import _experiments_show as shown

    shown.write_table(run, name, form, output)


@command(experiments, "orphans")
def orphans_experiments(
    run: Run,
    stop: Annotated[bool, typer.Option("--stop", help="End them: nothing of them bills any longer.")] = False,
) -> None:
    """List rented machines of experiments that are still up, whoever started them, and what they cost an hour.

    Asks SkyPilot by the name that every machine of this project carries.
    """
    from allotment.cli._experiments_show import ORPHAN_COLUMNS, orphan_cells
    from allotment.experiments import find_orphans

    rows = find_orphans(run.workspace(), stop=stop)
    run.show_table(ORPHAN_COLUMNS, [orphan_cells(row) for row in rows], rows, "No machine is up.")
