"""Whether anything leaks, measured whole and in its quick form, on projects that are trained.

    python benchmarks/leaks.py DIR ...      # without any: the demo's

Writes ``benchmarks/results/leaks.json``: each project's report and the seconds it took, merged by project.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "leaks.json"


def main() -> None:
    """Measure every project and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("projects", type=Path, nargs="*", default=[Path("demo")])
    for project in parser.parse_args().projects:
        known = json.loads(RESULTS.read_text(encoding="utf-8"))["projects"] if RESULTS.exists() else []
        measured = measure(project)
        name = measured["report"]["project"]
        kept = [one for one in known if one["report"]["project"] != name]
        figures = {"projects": sorted([*kept, measured], key=lambda one: str(one["report"]["project"]))}
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measure(project: Path) -> dict[str, Any]:
    """The quick form first, without the answers of earlier runs, then everything with the comparisons, with them."""
    answers = project / ".allotment" / "evaluation" / "leaks" / "answers.jsonl"
    earlier = answers.read_text(encoding="utf-8") if answers.exists() else ""
    answers.unlink(missing_ok=True)
    try:
        quick, quick_s = evaluate(project, "--quick")
    finally:
        new = answers.read_text(encoding="utf-8") if answers.exists() else ""
        answers.parent.mkdir(parents=True, exist_ok=True)
        answers.write_text(earlier + new, encoding="utf-8")
    is_trained = (answers.parent / "joint").exists()
    whole, whole_s = evaluate(project, "--comparisons")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "quick_seconds": quick_s,
        "quick_verdict": quick["verdict"],
        "seconds": whole_s,
        "comparisons_before": is_trained,
        "answered_before": len({json.loads(line)["key"] for line in earlier.splitlines()}),
        "report": public(whole),
    }


def evaluate(project: Path, *options: str) -> tuple[dict[str, Any], float]:
    """One run of the command as anybody would give it."""
    command = [
        sys.executable,
        "-c",
        "from allotment.cli import main; main()",
        "-C",
        str(project),
        "evaluate",
        "leaks",
        "--json",
        *options,
    ]
    began = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}")
    return json.loads(done.stdout)["report"], round(time.perf_counter() - began, 1)


def public(report: dict[str, Any]) -> dict[str, Any]:
    """Without the attempts in full: they hold what not everybody may read."""
    return {key: value for key, value in report.items() if key != "worst"}


if __name__ == "__main__":
    main()
