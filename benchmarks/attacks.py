"""A full run of attempts, timed, with one and with two workers.

    python benchmarks/attacks.py --project DIR [--count 10000]

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
from allotment.project import load_project
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "attacks.json"


def main() -> None:
    """Run, time, and merge the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", type=Path, required=True)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 1])
    arguments = parser.parse_args()
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for workers in arguments.workers:
        name, measured = measure(arguments.project, arguments.count, workers)
        known.setdefault(name, {})[str(workers)] = measured
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measure(folder: Path, count: int, workers: int) -> tuple[str, dict[str, object]]:
    """Name of the project, and a run from the beginning with so many workers."""
    project = load_project(folder)
    began = time.monotonic()
    found = run_attacks(
        project,
        Workspace(project.root),
        Settings(count=count, workers=workers, fresh=True),
        progress=lambda label, done, total: print(f"\r{label} {done}/{total}", end="", file=sys.stderr),
    )
    report = report_of(found, "")
    layers = next(table for table in report.tables if table.name == "layers")
    without = next(table for table in report.tables if table.name == "without")
    return project.name, {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "count": count,
        "seconds": round(time.monotonic() - began, 1),
        "outcome": report.outcome,
        "figures": {figure.name: asdict(figure) for figure in report.figures},
        "layers": [list(row) for row in layers.rows],
        "without": [list(row) for row in without.rows],
    }


if __name__ == "__main__":
    main()
