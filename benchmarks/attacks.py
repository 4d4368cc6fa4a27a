"""A run of attempts, timed.

    python benchmarks/attacks.py --project DIR                          # everything, two workers
    python benchmarks/attacks.py --project DIR --workers 1 --budget 4   # how fast one worker is

Results: ``benchmarks/results/attacks.json``, merged by project, for docs/evaluation-attacks.md.
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

TABLES = ("layers", "checks", "without")
RESULTS = Path(__file__).parent / "results" / "attacks.json"


def main() -> None:
    """Run, time, and merge the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--budget", type=float, help="minutes; all there is to do if none")
    arguments = parser.parse_args()
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    settings = Settings(count=arguments.count, workers=arguments.workers, budget_minutes=arguments.budget, fresh=True)
    name, measured = measure(arguments.project, settings)
    known.setdefault(name, {})[str(arguments.workers)] = measured
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


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
