"""What a record costs: appends by 1, 8 and 64 writers in one and in two processes, together and one by one.

"One by one" is the same code with one append of a process at a time, so that every record has a turn at the lock, a
transaction and an anchor of its own. Both ways take turns in one run against one server. Then the cost of verifying,
exporting and pruning as the record grows. Writes ``benchmarks/results/audit.json``.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import shutil
import statistics
import sys
import tempfile
import threading
import time
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

import allotment
from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.project import load_project
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
FORK = multiprocessing.get_context("fork")
KEY = "k" * 64
WRITERS = (1, 8, 64)
"""In all processes together; at least one in each."""
PROCESSES = (1, 2)
EVENT = {
    "user": "sofia",
    "role": "sales",
    "kind": "decision",
    "agent": "sales",
    "adapter": None,
    "adapter_sha256": None,
    "clearance": None,
    "account": "northwind_sales",
    "search": False,
    "outcome": "allow",
    "reason": "granted",
    "question": "Which customers in Germany ordered more than ten times in the last year?",
}


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 400_000])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        shutil.copytree(Path(allotment.__file__).parent / "examples" / "northwind", root)
        project = load_project(root)
        with Databases(project, Workspace(root)) as databases:
            dsns = databases.state_dsn, databases.admin_dsn()
            figures = {
                "date": datetime.now(UTC).date().isoformat(),
                "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
                "load_before": round(os.getloadavg()[0], 2),
                "disk": disk(Path(folder)),
                "append": appends(*dsns, Path(folder), options.seconds, options.rounds),
                "whole_record": [grown(*dsns, Path(folder), rows) for rows in options.rows],
            }
            databases.server.remove()
    (RESULTS / "audit.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))


def disk(folder: Path) -> dict[str, float]:
    """Milliseconds of one flush to this disk, which no record can be faster than alone."""
    took = []
    with (folder / "probe").open("wb") as file:
        for _ in range(50):
            file.write(b"x" * 512)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append((time.perf_counter() - began) * 1000)
    return {"flush_ms_p50": round(statistics.median(took), 3), "flush_ms_max": round(max(took), 3)}


def appends(dsn: str, admin: str, folder: Path, seconds: float, rounds: int) -> list[dict[str, Any]]:
    """Records a second, both ways, in turns; medians."""
    found = []
    for processes in PROCESSES:
        for writers in WRITERS:
            runs: dict[str, list[dict[str, float]]] = {"together": [], "one_by_one": []}
            for _ in range(rounds):
                for how, several in runs.items():
                    several.append(round_of(dsn, admin, folder, how, processes, writers, seconds))
            row: dict[str, Any] = {"processes": processes, "writers": writers}
            for how, several in runs.items():
                names = several[0]
                row[how] = {name: round(statistics.median(run[name] for run in several), 2) for name in names}
            row["ratio"] = round(row["together"]["records_per_s"] / row["one_by_one"]["records_per_s"], 2)
            print(row, file=sys.stderr, flush=True)
            found.append(row)
    return found


def round_of(
    dsn: str, admin: str, folder: Path, how: str, processes: int, writers: int, seconds: float
) -> dict[str, float]:
    """One measurement on an empty record of its own."""
    anchor = fresh(dsn, admin, folder)
    each = writers // processes or 1
    ready, results = FORK.Barrier(processes), FORK.SimpleQueue()
    children = [
        FORK.Process(target=one, args=(dsn, anchor, how, each, seconds, ready, results)) for _ in range(processes)
    ]
    for child in children:
        child.start()
    told = [results.get() for _ in children]
    for child in children:
        child.join()
    with AuditLog(dsn, KEY, anchor) as log:
        report = log.verify()
    written = sum(item["records"] for item in told)
    assert report.ok and report.records >= written, report
    took = sorted(value for item in told for value in item["took_ms"])
    return {
        "records_per_s": written / seconds,
        "p50_ms": took[len(took) // 2],
        "p95_ms": took[int(len(took) * 0.95)],
        "cpu_ms_per_record": sum(item["cpu_s"] for item in told) * 1000 / written,
    }


def one(dsn: str, anchor: Path, how: str, writers: int, seconds: float, ready: Any, results: Any) -> None:
    """The writers of one process."""
    took: list[list[float]] = [[] for _ in range(writers)]
    turn = threading.Lock() if how == "one_by_one" else nullcontext()
    with AuditLog(dsn, KEY, anchor) as log:
        log.append(EVENT)
        ready.wait(60)
        end = time.perf_counter() + seconds
        cpu = time.process_time()

        def write(number: int) -> None:
            while (began := time.perf_counter()) < end:
                with turn:
                    log.append(EVENT)
                took[number].append((time.perf_counter() - began) * 1000)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cpu = time.process_time() - cpu
    every = [round(value, 3) for several in took for value in several]
    results.put({"records": len(every), "took_ms": every, "cpu_s": cpu})


def fresh(dsn: str, admin: str, folder: Path) -> Path:
    """An empty record with an anchor of its own."""
    anchor = folder / "anchor" / "audit.anchor"
    shutil.rmtree(anchor.parent, ignore_errors=True)
    with psycopg.connect(admin) as connection:
        connection.execute("DROP SCHEMA IF EXISTS audit CASCADE")
    with AuditLog(dsn, KEY, anchor) as log:
        log.migrate(admin)
    return anchor


def grown(dsn: str, admin: str, folder: Path, rows: int) -> dict[str, Any]:
    """Seconds to verify, export and prune a record of this many, and what it takes on the disk."""
    anchor = fresh(dsn, admin, folder)
    with AuditLog(dsn, KEY, anchor) as log:

        def write(count: int) -> None:
            for _ in range(count):
                log.append(EVENT)

        threads = [threading.Thread(target=write, args=(rows // 256,)) for _ in range(256)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found: dict[str, Any] = {"rows": rows // 256 * 256}
        with psycopg.connect(admin) as connection:
            size = connection.execute("SELECT pg_total_relation_size('audit.record')").fetchone()
            found["bytes_per_record"] = round(int(size[0]) / found["rows"]) if size else None
        found["verify_s"] = seconds(lambda: log.verify())
        found["walk_s"] = seconds(lambda: sum(1 for _ in log.walk()))
        found["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        found["append_after_ms"] = round(seconds(lambda: log.append(EVENT)) * 1000, 2)
    return found


def seconds(work: Any) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 3)


if __name__ == "__main__":
    main()
