"""How long a run takes to know what it has: opening a ledger of 500,000 rows, beside parsing every row of it.

Both in processes of their own, so that their memory can be told. Writes ``benchmarks/results/dataset_ledger.json``.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allotment.workspace import Ledger

RESULTS = Path(__file__).parent / "results"
TEXT = "What is the departure time of the ferry Osprey? The ferry Osprey leaves the north pier at 6:40. " * 7


def main() -> None:
    """Measure at several sizes and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000, 50_000, 500_000])
    parser.add_argument("--one", nargs=2, metavar=("HOW", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(*options.one)))
        return
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "rows": {str(count): measure(count) for count in options.rows},
    }
    target = RESULTS / "dataset_ledger.json"
    target.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))


def measure(count: int) -> dict[str, Any]:
    """Both ways over one file, three times each; the median counts."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        with path.open("w", encoding="utf-8") as file:
            for number in range(count):
                key = hashlib.sha256(str(number).encode()).hexdigest()
                file.write(json.dumps({"key": key, "state": "done", "reason": "", "drafts": [TEXT]}) + "\n")
        runs = {how: [fresh(how, path) for _ in range(3)] for how in ("open", "parse")}
        found = {how: sorted(several, key=lambda run: float(run["seconds"]))[1] for how, several in runs.items()}
        size = path.stat().st_size
    ratio = round(found["parse"]["seconds"] / found["open"]["seconds"], 1)
    return {"megabytes": round(size / 1e6, 1), **found, "times_faster": ratio}


def fresh(how: str, path: Path) -> dict[str, Any]:
    """One way in a process of its own."""
    told = subprocess.run([sys.executable, __file__, "--one", how, str(path)], check=True, capture_output=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def one(how: str, path: str) -> dict[str, Any]:
    """Seconds until every key is known, and the memory it took."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    if how == "open":
        known: Any = Ledger(Path(path))
    else:
        with Path(path).open(encoding="utf-8") as file:
            known = {row["key"]: row for row in map(json.loads, file)}
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": round(seconds, 3), "mib": round((peak - before) / 1024, 1), "keys": len(known)}


if __name__ == "__main__":
    main()
