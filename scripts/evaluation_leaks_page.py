"""The figures of docs/evaluation-leaks.md and their pictures, from the benchmark's results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from page_marks import between
from report_pictures import IMAGES, matrix_of, picture_name

from allotment.evaluation.report import matrix_svg

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "leaks.json"
_PICTURED = ("all", "prompted", "joint")
"""Parts of the names of the matrices that are drawn; the others are only counted."""


def with_leak_figures(page: str) -> str:
    """The page with its figures."""
    told = _lines(_results()) if RESULTS.exists() else ["Not measured yet."]
    return between(page, "leaks", told, "docs/evaluation-leaks.md")


def leak_pictures() -> dict[Path, str]:
    """Every picture of the page: its file and what it holds."""
    return {
        IMAGES / _file(project, matrix): matrix_svg(matrix_of(matrix))
        for project in (_results()["projects"] if RESULTS.exists() else ())
        for matrix in project["report"]["matrices"]
        if _is_pictured(matrix)
    }


def _results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def _lines(results: dict[str, Any]) -> Iterator[str]:
    for project in results["projects"]:
        report = project["report"]
        yield f"### {report['project']}\n"
        yield f"Measured {project['date']} on {project['machine']}. {report['verdict']}\n"
        yield f"`--quick` took {project['quick_seconds']:.0f} s: {project['quick_verdict']} "
        yield f"Everything took {project['seconds'] / 60:.0f} min{_kept(project)}.\n"
        yield "| matrix | attempts off the diagonal | hits there | hits of those who may know |"
        yield "|---|---|---|---|"
        yield from (_counted(matrix) for matrix in report["matrices"])
        yield ""
        for matrix in filter(_is_pictured, report["matrices"]):
            yield f"![{matrix['title']}](images/{_file(project, matrix)})\n"
        yield from _figures(report)


def _kept(project: dict[str, Any]) -> str:
    """What of it an earlier run had done."""
    kept = [f"{project['answered_before']:,} answers"] if project["answered_before"] else []
    kept += ["the comparisons' adapter and answers"] if project["comparisons_before"] else []
    return f", with {' and '.join(kept)} of a run before" if kept else ""


def _counted(matrix: dict[str, Any]) -> str:
    cells = [cell for row in matrix["cells"] for cell in row]
    foreign = [cell for cell in cells if not cell["allowed"]]
    own = [cell for cell in cells if cell["allowed"]]
    tried = sum(cell["attempts"] - cell["failed"] for cell in foreign)
    hits, told = sum(cell["hits"] for cell in foreign), sum(cell["hits"] for cell in own)
    return f"| {matrix['title']} | {tried:,} | {hits} | {told} of {sum(cell['attempts'] for cell in own):,} |"


def _figures(report: dict[str, Any]) -> Iterator[str]:
    found = [figure for figure in report["figures"] if "membership" in figure["name"] and figure["value"] is not None]
    if not found:
        return
    yield from ("| membership | value | 95 % |", "|---|---|---|")
    for figure in found:
        interval = figure["interval"]
        told = f"{interval[0]:.2f} to {interval[1]:.2f}" if interval else ""
        yield f"| {figure['title']} | {figure['value']:.2f} | {told} |"
    yield ""


def _is_pictured(matrix: dict[str, Any]) -> bool:
    return any(part in matrix["name"] for part in _PICTURED)


def _file(project: dict[str, Any], matrix: dict[str, Any]) -> str:
    return picture_name("leaks", project["report"]["project"], matrix["name"])
