"""``allotment demo``: the whole chain on the example company."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from allotment.cli._app import app, command
from allotment.cli._run import Run, console_on


@command(app, "demo")
def demo(
    run: Run,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the demo.")] = Path("demo"),
) -> int:
    """Run the whole chain on the example company.

    Documents, dataset, training, database, questions. A step that is finished is not done again.
    Exit code 1 where somebody got what his role may not have, or where a document, a question or the record failed.
    """
    from allotment.cli._demo_run import run_demo

    report = run_demo(run.folder / folder, console_on(sys.stderr) if run.json else run.console())
    if run.json:
        run.show({**vars(report), "exit": report.exit}, lambda console: None)
    return int(report.exit["code"])
