"""The demo, timed: in a fresh clone with an empty home, again, and killed over and over; peak memory of each run.

Writes ``benchmarks/results/demo.json``; parts that are not measured this time stay as they are there. What was
predicted of the first demo's trainings, and what they took, is added to ``training_predictions.json`` beside it, which
``make docs`` shows. In full it takes about as long as two demos and the downloads; with ``--tests`` as two runs of the
tests more.

    first    ``make demo`` in a fresh clone of the last commit: everything is downloaded, installed and made
    second   the same command again
    killed   ``allotment demo`` in one further folder, killed at moments drawn over the whole run, then run to its end
    tests    ``make test`` in a fresh clone of its own, and again
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.commands import newcomer, timed

from allotment.databases import EmbeddedServer
from allotment.workspace import Workspace

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "demo.json"
PREDICTIONS = RESULTS.with_name("training_predictions.json")
_USUAL_SECONDS = 1200.0
"""Of a first demo, where none was measured."""


@dataclass(frozen=True)
class Place:
    """Where the demo is run from, and by whom."""

    root: Path
    """A clone, or an empty folder that uses this installation."""
    allotment: Path
    environment: Mapping[str, str]
    project: Path | None
    """Run on a copy of this project; none is the example company."""

    def folder(self, name: str) -> Path:
        """A folder for a demo."""
        folder = self.root / name
        if self.project is not None and not folder.exists():
            shutil.copytree(self.project, folder, ignore=shutil.ignore_patterns(".allotment"))
        return folder

    def demo(self, name: str, kill_after_s: float | None = None) -> dict[str, Any]:
        """``allotment demo`` in the folder ``name``."""
        return timed([self.allotment, "demo", self.folder(name)], self.root, self.environment, kill_after_s)


def main() -> None:
    """Measure what was asked for and write the figures."""
    options = _options()
    figures = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="allotment-bench-") as temporary:
        for part, measured in _measure(options, Path(temporary), figures):
            figures[part] = {"date": datetime.now(UTC).date().isoformat(), "machine": _machine(), **measured}
            _write(figures)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="no clone and no downloads: use this installation")
    parser.add_argument("--no-demo", action="store_true", help="leave out the first and the second run")
    parser.add_argument("--kills", type=int, default=4, help="how often to kill the killed demo; 0 leaves it out")
    parser.add_argument("--seed", type=int, default=1, help="of the moments it is killed at")
    parser.add_argument("--tests", action="store_true", help="time `make test` as well, fresh and warm")
    parser.add_argument("--project", type=Path, help="a project to run on instead of the example company")
    return parser.parse_args()


def _measure(options: argparse.Namespace, temporary: Path, known: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    seconds = _demo_seconds(known.get("first"))
    if not options.no_demo or options.kills:
        with _place(options, temporary) as place:
            if not options.no_demo:
                command = [place.allotment, "demo", "demo"] if options.quick else ["make", "demo"]
                place.folder("demo")
                for part in ("first", "second"):
                    measured = timed(command, place.root, place.environment)
                    seconds = _demo_seconds(measured) if part == "first" else seconds
                    yield part, {"from": "this installation" if options.quick else "a fresh clone", **measured}
                    if part == "first" and measured["exit"] == 0:
                        _keep_predictions(place)
            if options.kills:
                yield "killed", _killed(place, options.kills, seconds, random.Random(options.seed))
    if options.tests:
        yield "tests", _tests(temporary)


@contextmanager
def _place(options: argparse.Namespace, temporary: Path) -> Iterator[Place]:
    if options.quick:
        place = Place(temporary, Path(sys.executable).with_name("allotment"), os.environ, options.project)
    else:
        clone = _clone(temporary / "clone")
        place = Place(clone, clone / ".venv/bin/allotment", newcomer(temporary / "home"), options.project)
    try:
        yield place
    finally:
        for name in ("demo", "killed"):
            if (place.root / name / "allotment.yaml").exists():
                EmbeddedServer(Workspace((place.root / name).resolve())).remove()


def _keep_predictions(place: Place) -> None:
    """Add what the demo's trainings were predicted to take, and took, to those of earlier demos."""
    command = [place.allotment, "-C", place.root / "demo", "training", "list", "--errors", "--json"]
    said = subprocess.run(command, env=place.environment, capture_output=True, text=True, check=True).stdout
    kept = json.loads(PREDICTIONS.read_text(encoding="utf-8")) if PREDICTIONS.exists() else []
    kept += [{"machine": _machine(), **run} for run in json.loads(said)]
    PREDICTIONS.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _clone(target: Path) -> Path:
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(target)], check=True)
    return target


def _demo_seconds(first: dict[str, Any] | None) -> float:
    """How long a first demo takes, once everything is set up."""
    return first["seconds"] - first.get("setup_seconds", 0.0) if first and first["exit"] >= 0 else _USUAL_SECONDS


def _killed(place: Place, times: int, seconds: float, chance: random.Random) -> dict[str, Any]:
    """Kill one demo at moments drawn over the time a whole one takes, each run going on from the one before."""
    if not place.allotment.exists():
        subprocess.run(["make", ".venv/.installed"], cwd=place.root, env=place.environment, check=True)
    moments = sorted(chance.uniform(0.0, seconds) for _ in range(times))
    runs = []
    for before, moment in zip([0.0, *moments], moments, strict=False):
        run = place.demo("killed", kill_after_s=moment - before)
        runs.append({"seconds": run["seconds"], "exit": run["exit"], "steps_over": [s["step"] for s in run["steps"]]})
    last = place.demo("killed")
    total = round(sum(run["seconds"] for run in runs) + last["seconds"], 1)
    return {"runs": runs, "last": last, "seconds_in_all": total, **_requests(place.root / "killed")}


def _requests(folder: Path) -> dict[str, int]:
    """Rows of the ledgers, and how many of them are about a request that was put before."""
    keys = [
        json.loads(line)["key"]
        for ledger in sorted(folder.glob(".allotment/dataset/*/ledger.jsonl"))
        for line in ledger.read_text(encoding="utf-8").splitlines()
    ]
    return {"requests": len(keys), "requests_put_twice": len(keys) - len(set(keys))}


def _tests(temporary: Path) -> dict[str, Any]:
    clone, environment = _clone(temporary / "tested"), newcomer(temporary / "home-of-tests")
    return {part: timed(["make", "test"], clone, environment) for part in ("fresh", "warm")}


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}"


def _write(figures: dict[str, Any]) -> None:
    RESULTS.parent.mkdir(exist_ok=True)
    text = json.dumps(figures, indent=1, ensure_ascii=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
