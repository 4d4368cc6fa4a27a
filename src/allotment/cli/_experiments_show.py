"""How experiments look on the terminal, and their tables in other forms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from allotment.cli._run import Run, print_table

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.experiments import Orphan, Summary, Table

LIST_COLUMNS = ("experiment", "agent", "changed", "runs", "done", "at work", "waiting", "failed", "$", "keep", "fault")
ORPHAN_COLUMNS = ("machine", "experiment", "state", "since", "$/h", "known here")


def list_cells(row: Summary) -> tuple[str, ...]:
    """One experiment in the list."""
    counts = (str(one) for one in (row.runs, row.done, row.at_work, row.waiting, row.failed))
    money = "unknown" if row.usd is None else f"{row.usd:.2f}"
    return (row.name, row.agent, row.changed[:16].replace("T", " "), *counts, money, row.keep, row.fault)


def orphan_cells(row: Orphan) -> tuple[str, ...]:
    """One machine that is up."""
    price = "unknown" if row.usd_per_hour is None else f"{row.usd_per_hour:.2f}"
    return (row.machine, row.experiment, row.state, row.since, price, "yes" if row.known else "no")


def name_of(run: Run, named: str) -> str:
    """An experiment's name, from its name or its file."""
    from allotment.experiments import load_file

    path = Path(named)
    if path.suffix not in (".yaml", ".yml"):
        return named
    return load_file(path if path.exists() or path.is_absolute() else run.folder / path).name


def write_table(run: Run, named: str, form: str, output: Path | None) -> None:
    """The table, in whatever form, to the terminal or a file."""
    from allotment.experiments import load_curves, load_table, to_csv, to_html, to_markdown
    from allotment.workspace import write_atomic

    name = name_of(run, named)
    table = load_table(run.workspace(), name)
    if form == "text" and output is None:
        run.show(table, lambda console: print_table_of(console, table))
        return
    if form == "html":
        text = to_html(table, load_curves(run.workspace(), name))
    else:
        text = to_csv(table) if form == "csv" else to_markdown(table)
    if output is None:
        run.out.write(text)
        return
    write_atomic(output, text)
    run.show({"file": str(output)}, lambda console: console.print(f"{output} was written.", markup=False))


def print_table_of(console: Console, table: Table) -> None:
    """Runs, the best first, then what they teach."""
    from rich.text import Text

    from allotment.experiments import EFFECT_COLUMNS, cells_of, columns_of, effect_cells, sentences_of

    print_table(console, columns_of(table), cells_of(table), "")
    for sentence in sentences_of(table):
        console.print(Text(sentence), soft_wrap=True)
    told = [effect for effect in table.effects if effect.verdict != "too few pairs"]
    if told:
        print_table(console, EFFECT_COLUMNS, [effect_cells(effect) for effect in told], "")
    if table.keep is not None:
        console.print(
            Text(f"Make it the adapter: allotment training run {table.agent} --from-experiment {table.keep.run}"),
            soft_wrap=True,
        )
