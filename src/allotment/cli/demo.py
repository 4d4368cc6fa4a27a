"""``allotment demo``: the whole chain on the example company."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from allotment.cli._app import app, command
from allotment.cli._run import Run


@command(app, "demo")
def demo(
    run: Run,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the demo.")] = Path("demo"),
) -> int:
    """Run the whole chain on the example company.

    Documents, dataset, training, database, questions. A step that is finished is not done again.
    """
    from allotment.cli._demo_run import run_demo

    return run_demo(run.folder / folder, run.console())
