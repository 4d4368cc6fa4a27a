"""What every agent of some projects knows: ``evaluate AGENT`` for all of them.

Takes folders of projects that are ready (read, generated, trained), the demo's if none, and writes
``benchmarks/results/evaluation_knowledge.json``; projects measured earlier stay in it. Answers are kept in the
projects, so a benchmark that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.errors import AllotmentError
from allotment.evaluation import QUICK, Options, Parts, evaluate_agent
from allotment.evaluation.report import Report
from allotment.models import Engines
from allotment.project import Project, load_project
from allotment.workspace import Workspace, write_atomic

RESULTS = Path(__file__).parent / "results" / "evaluation_knowledge.json"


def agents_of(project: Project, options: Options) -> dict[str, Any]:
    """Agent → what its report says in figures; agents without a dataset are left out, and named."""
    workspace = Workspace(project.root)
    found: dict[str, Any] = {}
    with (
        Databases(project, workspace) as databases,
        Engines(project.models.threads) as engines,
        AuditLog.of(project, workspace, databases.state_dsn) as audit,
    ):
        audit.migrate(databases.admin_dsn())
        parts = Parts(project, workspace, engines, databases, audit)
        for agent in project.agents:
            try:
                found[agent] = row_of(evaluate_agent(parts, agent, options, _progress).report)
            except AllotmentError as error:
                print(f"{agent}: {error}", file=sys.stderr)
    return found


def row_of(report: Report) -> dict[str, Any]:
    """What is kept of a report: no question, no answer, no passage."""
    tables = {table.name: {"columns": table.columns, "rows": table.rows} for table in report.tables}
    return {
        "verdict": report.verdict,
        "outcome": report.outcome,
        "minutes": round(report.seconds / 60, 1),
        "checks": [{"name": one.name, "outcome": one.outcome, "detail": one.detail} for one in report.checks],
        "knowledge": tables["knowledge"],
        "paired": tables["paired"],
        "saying_unknown": tables["saying-unknown"],
        "agreement": tables["agreement"],
        "sources": tables["sources"],
        "not_tested": report.not_tested,
        "versions": dict(report.versions),
    }


def _progress(label: str, done: int, total: int) -> None:
    if done % 20 == 0 or done == total:
        print(f"{label}: {done} of {total}", flush=True)


def main() -> None:
    """Measure, and keep the results beside those of other projects."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("projects", nargs="*", type=Path, default=[Path("demo")])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--judge", metavar="MODEL")
    arguments = parser.parse_args()
    known: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for folder in arguments.projects:
        project = load_project(folder)
        known[project.name] = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "agents": agents_of(project, Options(QUICK if arguments.quick else None, judge=arguments.judge)),
        }
        write_atomic(RESULTS, json.dumps(known, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
