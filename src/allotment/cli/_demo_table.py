"""Who asked what, and what they got: the demo's questions and replays as one table."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import shorten
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.cli._demo_asks import Asked
    from allotment.cli._demo_replay import Replay

_REASON_LENGTH = 150
_PASSED = "checking: nothing found against the question"
"""Said of every question that came through; the table leaves it out."""


def show_asked(console: Console, asked: Iterable[Asked], replays: Iterable[Replay]) -> None:
    """Print one row for each question and each replay."""
    table = Table(title="Who asked what, and what they got", title_justify="left", show_lines=True)
    for column in ("who", "question", "outcome", "answer", "from", "why", ""):
        table.add_column(column, overflow="fold")
    for one in asked:
        table.add_row(*(Text(cell) for cell in _cells(one)))
    for run in replays:
        table.add_row(*(Text(cell) for cell in _replay_cells(run)))
    console.print(table)


def _cells(one: Asked) -> tuple[str, ...]:
    means = one.account or (f"adapter {one.adapter}" if one.adapter else "")
    return (
        f"{one.user} ({one.role})",
        f"{one.asked}\n({one.shows})",
        one.outcome,
        "\n".join(part for part in (one.got, one.sql) if part),
        "\n".join(part for part in (one.agent, means) if part),
        "\n".join(shorten(reason, _REASON_LENGTH, placeholder=" …") for reason in one.why if reason != _PASSED),
        _mark(one.problems, one.breaches),
    )


def _replay_cells(run: Replay) -> tuple[str, ...]:
    who = f"{run.user} ({run.role}), past the gate"
    shows = "(a statement that answered for another agent: the database refuses it, not the prompt)"
    problems = [run.problem] if run.problem else []
    breaches = problems if run.outcome == "ran" else []
    where = f"{run.agent}\n{run.account}"
    granted = f"record {run.record}: the account was granted" if run.record is not None else ""
    return (who, f"{run.statement}\n{shows}", run.outcome, run.said, where, granted, _mark(problems, breaches))


def _mark(problems: list[str], breaches: list[str]) -> str:
    if breaches:
        return "BREACH: " + "; ".join(breaches)
    return "not as expected: " + "; ".join(problems) if problems else "as expected"
