"""A run of attempts, timed.

    python benchmarks/attacks.py                              # everything, two workers, on the demo's project
    python benchmarks/attacks.py DIR --workers 1 --budget 4   # how fast one worker is
    python benchmarks/attacks.py DIR --adaptive 300           # after the first: attempts that learn, alone

Results: ``benchmarks/results/attacks.json`` and ``attacks_adaptive.json``, merged by project, for
docs/evaluation-attacks.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from allotment.evaluation.attacks import Settings, report_of, run_attacks
from allotment.evaluation.report import Report
from allotment.project import load_project
from allotment.workspace import Workspace

TABLES = ("layers", "checks", "without", "adaptive")
RESULTS = Path(__file__).parent / "results" / "attacks.json"
ADAPTIVE = RESULTS.with_name("attacks_adaptive.json")


def main() -> None:
    """Run, time, and merge the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path, nargs="?", default=Path("demo"))
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--budget", type=float, help="minutes; all there is to do if none")
    parser.add_argument("--adaptive", type=int, default=0, help="attempts that learn, besides those of a run before")
    arguments = parser.parse_args()
    settings = Settings(
        count=arguments.count, workers=arguments.workers, budget_minutes=arguments.budget,
        adaptive=arguments.adaptive, fresh=not arguments.adaptive,
    )  # fmt: skip
    name, measured = measure(arguments.project, settings)
    results = ADAPTIVE if arguments.adaptive else RESULTS
    known = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    if arguments.adaptive:
        known[name] = {key: measured[key] for key in ("date", "machine", "seconds", "adaptive")}
    else:
        known.setdefault(name, {})[str(arguments.workers)] = measured
    RESULTS.parent.mkdir(exist_ok=True)
    results.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measure(folder: Path, settings: Settings) -> tuple[str, dict[str, object]]:
    """Name of the project, and what a run shows."""
    project = load_project(folder)
    began = time.monotonic()
    found = run_attacks(
        project,
        Workspace(project.root),
        settings,
        progress=lambda label, done, total: print(f"\r{label} {done}/{total}", end="", file=sys.stderr),
    )
    return project.name, {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{cores()} {'core' if cores() == 1 else 'cores'}, {platform.machine()}",
        "count": len(found.results),
        "seconds": round(time.monotonic() - began, 1),
        **shown(report_of(found, "")),
    }


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0))


def shown(report: Report) -> dict[str, object]:
    """What of a report the page has: no attempt in full, for those hold what not everybody may read."""
    tables = {table.name: [list(row) for row in table.rows] for table in report.tables if table.name in TABLES}
    return {
        "verdict": report.verdict,
        "outcome": report.outcome,
        "open": [f"{check.title} {check.detail}" for check in report.checks if check.outcome != "passed"],
        "figures": {figure.name: asdict(figure) for figure in report.figures},
        "matrices": [asdict(matrix) for matrix in report.matrices],
        **tables,
    }


if __name__ == "__main__":
    main()
