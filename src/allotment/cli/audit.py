"""``allotment audit``: is the record whole, and what was decided."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from allotment.cli._app import command, group
from allotment.cli._open import open_state
from allotment.cli._run import Run

audit = group("audit", "The tamper-evident record of every decision.")


@command(audit, "verify")
def verify_audit(run: Run) -> int:
    """Check that no record was changed, removed or added.

    Exit code 1 where one was.
    """
    with open_state(run.project(), run.workspace()) as state:
        report = state.audit.verify()
    text = f"The record is whole: {report.records} entries."
    if report.problem is not None:
        text = f"The record is not whole at {report.problem.sequence}: {report.problem.detail}"
    run.show(report, lambda console: console.print(text, markup=False))
    return 0 if report.ok else 1


@command(audit, "list")
def list_audit(run: Run, limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50) -> None:
    """List what was decided, newest first."""
    with open_state(run.project(), run.workspace()) as state:
        records = list(state.audit.records(limit=limit))
    rows = [(item.sequence, item.at, json.dumps(item.event, ensure_ascii=False)) for item in records]
    run.show_table(("record", "at", "event"), rows, records, "Nothing has been decided yet.")
