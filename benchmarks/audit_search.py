"""How long the administration's page waits for a search of a large record, and what the search costs every append.

The record is filled with genuine records, so that each one shown is checked as it is there. Filters are what the page
offers, each with the cases that are hardest: somebody with a handful of records at the beginning, somebody who did
half of everything and was never refused, a time long ago. Writes ``benchmarks/results/audit_search.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

import allotment
from allotment.audit import AuditLog, Filter
from allotment.audit._anchor import Anchor, advance_anchor
from allotment.audit._chain import GENESIS, canonical, row_mac
from allotment.databases import Databases
from allotment.project import load_project
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
KEY = "k" * 64
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
PEOPLE = 400
AGENTS = ("handbook", "sales", "warehouse", "board", "support", "legal")
BUSY = "busy"
"""Asks half of all questions, and is never denied anything."""
RARE = "rare"
"""Has five records, the first ones."""
INDEXES = ("record_user", "record_agent", "record_kind", "record_outcome", "record_time")
SHOWN = 51
"""Records a page asks for: those it shows, and one more."""


def main() -> None:
    """Fill, search, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        shutil.copytree(Path(allotment.__file__).parent / "examples" / "northwind", root)
        project = load_project(root)
        with Databases(project, Workspace(root)) as databases:
            dsn, admin, anchor = databases.state_dsn, databases.admin_dsn(), Path(folder) / "audit.anchor"
            with AuditLog(dsn, KEY, anchor) as log:
                log.migrate(admin)
                fill(admin, anchor, given.rows)
                figures = {
                    "date": datetime.now(UTC).date().isoformat(),
                    "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
                    "load_before": round(os.getloadavg()[0], 2),
                    "rows": given.rows,
                    "bytes": sizes(admin),
                    "search_ms": {name: timed(log, wanted, given.rounds) for name, wanted in filters().items()},
                    "deep_page_ms": deep(log, given.rows, given.rounds),
                    "append_ms_p50": appends(log, admin),
                }
            databases.server.remove()
    (RESULTS / "audit_search.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))


def filters() -> dict[str, Filter]:
    """What is searched for."""
    long_ago = BEGAN + timedelta(days=1)
    return {
        "everything": Filter(),
        "somebody": Filter(user="person17"),
        "somebody with five old records": Filter(user=RARE),
        "nobody": Filter(user="nobody"),
        "who asks half of all": Filter(user=BUSY),
        "who asks half of all, denied (none)": Filter(user=BUSY, outcome="deny"),
        "an agent": Filter(agent="legal"),
        "an agent, denied": Filter(agent="board", outcome="deny"),
        "somebody, an agent, denied": Filter(user="person17", agent="board", outcome="deny"),
        "a kind nobody wrote": Filter(kind="pruned"),
        "a day long ago": Filter(since=BEGAN, until=long_ago),
        "who asks half of all, a day long ago": Filter(user=BUSY, since=BEGAN, until=long_ago),
        "an outcome that is none": Filter(outcome="maybe"),
        "an agent, a kind, an outcome, a time": Filter(
            agent="sales", kind="answered", outcome="answered", until=BEGAN + timedelta(days=60)
        ),
    }


def events(rows: int) -> Iterator[dict[str, Any]]:
    """Records as the chain writes them: a decision and what came of it, now and then a login."""
    drawn = random.Random(7)
    for number in range(rows):
        user = RARE if number < 5 else BUSY if drawn.random() < 0.5 else f"person{drawn.randrange(PEOPLE)}"
        agent = drawn.choice(AGENTS)
        who = {"user": user, "role": "sales"}
        if number % 20 == 19:
            yield {**who, "kind": "logged-in", "detail": {"via": "password", "address": "10.0.0.7"}}
        elif number % 2:
            detail = {"agent": agent, "outcome": "answered", "decision": number, "sources": ["ab12"], "seconds": 1.2}
            yield {**who, "kind": "answered", "detail": detail}
        else:
            denied = user != BUSY and drawn.random() < 0.03
            yield {
                **who,
                "kind": "decision",
                "agent": agent,
                "adapter": "v3",
                "adapter_sha256": "a" * 64,
                "clearance": ["director", "sales"],
                "account": None,
                "search": False,
                "outcome": "deny" if denied else "allow",
                "reason": "role-not-served" if denied else "allowed",
                "question": f"Which customers in Germany ordered more than {number} times in the last year?",
            }


def fill(admin_dsn: str, anchor: Path, rows: int) -> None:
    """A genuine record of so many, written past the turn-taking."""
    mac, every = GENESIS, timedelta(seconds=10)
    columns = "COPY audit.record (sequence, at, event, previous_mac, mac) FROM STDIN"
    with psycopg.connect(admin_dsn) as admin, admin.cursor() as cursor, cursor.copy(columns) as copy:
        for number, event in enumerate(events(rows), start=1):
            text, at, previous = canonical(event), BEGAN + number * every, mac
            mac = row_mac(KEY, number, at, text, previous)
            copy.write_row((number, at, text, previous, mac))
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute("VACUUM ANALYZE audit.record")
    advance_anchor(anchor, KEY, Anchor(rows, mac))


def sizes(admin_dsn: str) -> dict[str, int]:
    """Bytes a record takes in the table, and in the indexes of the search together."""
    with psycopg.connect(admin_dsn) as admin:
        row = admin.execute(
            "SELECT pg_table_size('audit.record'),"
            " (SELECT sum(pg_relation_size(indexrelid)) FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
            " WHERE indrelid = 'audit.record'::regclass AND c.relname = ANY(%s)), count(*) FROM audit.record",
            [list(INDEXES)],
        ).fetchone()
    assert row is not None
    table, indexes, count = row
    return {"table": table // count, "search_indexes": int(indexes) // count}


def timed(log: AuditLog, wanted: Filter, rounds: int) -> dict[str, float]:
    """Milliseconds of one page of a search, connection included; what was found."""
    found = log.records(SHOWN, wanted)
    took = [milliseconds(lambda: log.records(SHOWN, wanted)) for _ in range(rounds)]
    return {"p50": round(statistics.median(took), 1), "max": round(max(took), 1), "found": len(found)}


def deep(log: AuditLog, rows: int, rounds: int) -> dict[str, float]:
    """The same of a page in the middle of the record."""
    wanted = Filter(outcome="deny")
    took = [milliseconds(lambda: log.records(SHOWN, wanted, before=rows // 2)) for _ in range(rounds)]
    return {"p50": round(statistics.median(took), 1), "max": round(max(took), 1)}


def appends(log: AuditLog, admin_dsn: str) -> dict[str, float]:
    """Milliseconds of one append, with the columns and indexes of the search and without them, in turns."""
    event = next(iter(events(1)))
    found: dict[str, float] = {}
    found["with"] = statistics.median(milliseconds(lambda: log.append(event)) for _ in range(300))
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute("DROP INDEX " + ", ".join(f"audit.{name}" for name in INDEXES))
        admin.execute(
            "ALTER TABLE audit.record DROP COLUMN user_name, DROP COLUMN agent, DROP COLUMN kind, DROP COLUMN outcome"
        )
    found["without"] = statistics.median(milliseconds(lambda: log.append(event)) for _ in range(300))
    return {name: round(value, 2) for name, value in found.items()}


def milliseconds(work: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
