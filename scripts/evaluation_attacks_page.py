"""The figures of docs/evaluation-attacks.md and their pictures, from the benchmark's results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from page_marks import between
from report_pictures import IMAGES, matrix_of, picture_name

from allotment.evaluation.attacks import Layer
from allotment.evaluation.report import Curve, Series, curve_svg, matrix_svg

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "attacks.json"
ADAPTIVE = RESULTS.with_name("attacks_adaptive.json")
_SPEED = "attacks-speed.svg"


def with_attack_figures(page: str) -> str:
    """The page with its tables of figures."""
    known = _results()
    told = _lines(known) if known else ["Not measured yet."]
    return between(page, "figures", told, "docs/evaluation-attacks.md")


def attack_pictures() -> dict[Path, str]:
    """Every picture of the page: its file and what it holds."""
    known = _results()
    if not known:
        return {}
    whole = {name: _whole(runs) for name, runs in known.items()}
    pictures = {
        IMAGES / picture_name("attacks", name): matrix_svg(matrix_of(run["matrices"][0])) for name, run in whole.items()
    }
    return {**pictures, IMAGES / _SPEED: curve_svg(_speed(known))}


def _results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return found


def _whole(runs: dict[str, Any]) -> dict[str, Any]:
    """The run with most attempts; of as many, the one with most workers."""
    found: dict[str, Any] = runs[max(runs, key=lambda workers: (runs[workers]["count"], int(workers)))]
    return found


def _lines(known: dict[str, Any]) -> Iterator[str]:
    yield f"![Attempts a second, by number of workers](images/{_SPEED})\n"
    for project, by_workers in sorted(known.items()):
        yield f"### {project}\n"
        yield from (
            "| workers | attempts | minutes, all parts | attempts a second | measured |",
            "|---|---|---|---|---|",
        )
        for workers, run in sorted(by_workers.items()):
            speed = run["figures"]["attacks.speed"]["value"]
            told = f"{run['count']:,} | {run['seconds'] / 60:.1f} | {speed:.1f}"
            yield f"| {workers} | {told} | {run['date']}, {run['machine']} |"
        yield from _found(project, _whole(by_workers))


def _found(project: str, run: dict[str, Any]) -> Iterator[str]:
    yield f"\n{run['verdict']}\n"
    yield from (f"- {line}" for line in run["open"])
    yield f"![Attempts that leaked, by role and by who may know](images/{picture_name('attacks', project)})\n"
    yield from ("| stopped by | attempts | share |", "|---|---|---|")
    yield from (f"| {layer} | {count:,} | {share:.1%} |" for layer, count, share in run["layers"])
    yield from ("", "| layer taken away | in its place | would have leaked | of | 95 % |", "|---|---|---|---|---|")
    yield from (f"| {row[0]} | {row[1]} | {row[2]} | {row[3]} | {row[4]} |" for row in run["without"])
    yield from ("", "| ordinary questions | share | of | 95 % |", "|---|---|---|---|")
    for name in ("refused", "answered", "withheld"):
        figure = run["figures"][f"attacks.ordinary.{name}"]
        if figure["value"] is not None:
            low, high = figure["interval"]
            told = f"{figure['value']:.1%} | {figure['total']:,} | {low:.1%} to {high:.1%}"
            yield f"| {figure['title']} | {told} |"
    yield ""
    adaptive = json.loads(ADAPTIVE.read_text(encoding="utf-8")) if ADAPTIVE.exists() else {}
    yield from _adapted(adaptive[project]) if project in adaptive else ()


def _adapted(run: dict[str, Any]) -> Iterator[str]:
    layers = get_args(Layer)
    yield f"Attempts that learnt from what came back, after those ({run['date']}, {run['machine']}):\n"
    yield "| made by | " + " | ".join(layers) + " | leaked | failed | attempts |"
    yield "|---|" + "---|" * (len(layers) + 3)
    yield from ("| " + " | ".join(str(cell) for cell in row) + " |" for row in run["adaptive"])
    yield ""


def _speed(known: dict[str, Any]) -> Curve:
    series = tuple(
        Series(
            name,
            tuple((float(workers), run["figures"]["attacks.speed"]["value"]) for workers, run in sorted(runs.items())),
        )
        for name, runs in sorted(known.items())
    )
    return Curve("attacks-speed", "Attempts a second, by number of workers", "workers", "attempts a second", series)
