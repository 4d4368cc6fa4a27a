"""What a copy per account costs: time and space to make it, and a query's time on it, as the source grows.

A source of one table of orders and one of customers; the account sees half of the orders and four of five columns.
Each size in a process of its own. Writes ``benchmarks/results/database_files.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from allotment.access import Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.databases import Databases
from allotment.errors import SqlRefused
from allotment.project import load_project
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
PROJECT = """
name: Shop
roles: {{clerk: sells}}
documents: {{all: {{path: documents, readers: [clerk]}}}}
databases: {{shop: {{file: shop.{kind}}}}}
accounts:
  clerk:
    database: shop
    tables:
      customers: {{columns: [id, name]}}
      orders: {{columns: [id, customer_id, day, total], rows: {{region: north}}}}
agents: {{clerk: {{roles: [clerk], documents: [all], account: clerk}}}}
"""
QUERIES = {
    "one_row": "SELECT total FROM orders WHERE id = 17",
    "grouped": "SELECT extract(year from day) AS y, count(*), sum(total) FROM orders GROUP BY y ORDER BY y",
    "joined": "SELECT c.name, sum(o.total) FROM orders o JOIN customers c ON c.id = o.customer_id GROUP BY c.name"
    " ORDER BY 2 DESC LIMIT 5",
}
REPEATS = 5


def main() -> None:
    """Measure every kind at every size and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--one", nargs=2, metavar=("KIND", "ROWS"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(one(options.one[0], int(options.one[1]))))
        return
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": {"sqlite": sqlite3.sqlite_version, "duckdb": duckdb.__version__},
        "rows": {str(rows): {kind: fresh(kind, rows) for kind in ("sqlite", "duckdb")} for rows in options.rows},
    }
    target = RESULTS / "database_files.json"
    target.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))


def fresh(kind: str, rows: int) -> dict[str, Any]:
    """One size of one kind in a process of its own."""
    told = subprocess.run([sys.executable, __file__, "--one", kind, str(rows)], check=True, capture_output=True)
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def one(kind: str, rows: int) -> dict[str, Any]:
    """Seconds and megabytes of a copy, seconds of a provisioning that finds nothing to do, milliseconds of queries."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "documents").mkdir()
        (root / "allotment.yaml").write_text(PROJECT.format(kind=kind), encoding="utf-8")
        source = root / f"shop.{kind}"
        write_source(source, kind, rows)
        project = load_project(root)
        databases = Databases(project, Workspace(root))
        made = timed(databases.provision)
        grant = mint(decide(Policy.of(project), Principal("iva", "clerk"), Request("clerk", account="clerk")), 1)
        copies = [file for file in (root / ".allotment" / "copies").rglob("*") if file.suffix == f".{kind}"]
        queries: dict[str, Any] = {}
        for name, sql in QUERIES.items():
            queries[name] = asked(lambda sql=sql: databases.query(grant, sql))
        return {
            "source_mb": round(source.stat().st_size / 1e6, 2),
            "copy_mb": round(sum(file.stat().st_size for file in copies) / 1e6, 2),
            "copy_s": round(made, 2),
            "nothing_to_do_s": round(timed(databases.provision), 3),
            "queries": queries,
            "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


def asked(query: Any) -> dict[str, Any]:
    """Milliseconds of a query, the first one left out; or why it was refused."""
    try:
        query()
        times = sorted(timed(query) * 1000 for _ in range(REPEATS))
    except SqlRefused as error:
        return {"refused": error.message}
    return {"median_ms": round(times[REPEATS // 2], 1), "slowest_ms": round(times[-1], 1)}


def timed(call: Any) -> float:
    """Seconds a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def write_source(path: Path, kind: str, rows: int) -> None:
    """A table of ``rows`` orders of a tenth as many customers."""
    connect = sqlite3.connect if kind == "sqlite" else duckdb.connect
    series = (
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {0} - 1) SELECT {1} FROM n"
        if kind == "sqlite"
        else "SELECT {1} FROM range({0}) AS n(i)"
    )
    day = (
        "date('2020-01-01', '+' || (i % 1500) || ' days')"
        if kind == "sqlite"
        else "DATE '2020-01-01' + (i % 1500)::int"
    )
    region = "CASE WHEN i % 2 = 0 THEN 'north' ELSE 'south' END"
    with closing(connect(path)) as connection:
        connection.execute("CREATE TABLE customers (id integer PRIMARY KEY, name text)")
        connection.execute(
            "CREATE TABLE orders"
            " (id integer PRIMARY KEY, customer_id integer, day date, total decimal(10,2), region text)"
        )
        customers = series.format(rows // 10, "i, 'Customer number ' || i")
        connection.execute(f"INSERT INTO customers {customers}")
        orders = series.format(rows, f"i, i * 7 % {rows // 10}, {day}, (i * 37 % 10007) / 100.0, {region}")
        connection.execute(f"INSERT INTO orders {orders}")
        connection.commit()


if __name__ == "__main__":
    main()
