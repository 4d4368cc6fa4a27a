"""The end of every evaluation: the report's files, what changed since another one, and the exit code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from allotment.cli._run import Run
    from allotment.evaluation.report import Report

Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the report here as well, as one page.")
]
Json = Annotated[Path | None, typer.Option("--report", metavar="FILE", help="Write it here as well, as signed JSON.")]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write its checks here as JUnit XML.")]
Baseline = Annotated[
    Path | None, typer.Option("--baseline", metavar="FILE", help="An earlier report: exit 1 if something got worse.")
]


@dataclass(frozen=True)
class Files:
    """Where a report goes besides its place in the workspace."""

    html: Path | None = None
    json: Path | None = None
    junit: Path | None = None
    baseline: Path | None = None


def finish(run: Run, report: Report, files: Files) -> int:
    """Write and show the report. Returns 0 if it passed and nothing got worse, else 1."""
    run.show(report, lambda console: console.print(report.verdict, markup=False))
    return 0 if report.outcome == "passed" else 1
