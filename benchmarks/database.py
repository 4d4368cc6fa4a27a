"""What the database tool costs: the gate, the way of one query, many at once, growth, and what time tells.

Reads the databases and questions of ``../shared/data/sql`` or the folder given, and writes
``benchmarks/results/database.json``. ``--only gate load`` measures these parts anew and keeps the others.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from pglast import ast, parse_sql
from support.database_growth import growth
from support.database_load import load, memory
from support.database_timing import timing

import allotment
from allotment.access import Policy, Principal, Request
from allotment.audit import AuditLog, authorize
from allotment.databases import Databases, check_sql
from allotment.databases.postgres._server import account_dsn
from allotment.errors import SqlRefused
from allotment.project import AccountConfig, load_project
from allotment.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
DATA = Path(__file__).parents[2] / "shared" / "data" / "sql"
EXAMPLE = Path(allotment.__file__).parent / "examples" / "northwind"
ASKED = {
    "one value": "SELECT count(*) FROM orders WHERE ship_country = 'Sweden'",
    "a join": "SELECT c.company_name, count(*) AS n FROM customers c JOIN orders o ON o.customer_id = c.customer_id"
    " GROUP BY c.company_name ORDER BY n DESC LIMIT 10",
    "200 rows": "SELECT order_id, customer_id, order_date, freight, ship_city, ship_country FROM orders",
}


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parts: dict[str, Callable[[], Any]] = {
        "gate": lambda: gate(options.data),
        "overhead": overhead,
        "load": load,
        "memory": memory,
        "growth": growth,
        "timing": timing,
    }
    parser.add_argument("--only", nargs="+", choices=parts, default=list(parts))
    options = parser.parse_args()
    target = RESULTS / "database.json"
    figures = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    for name in options.only:
        began = time.monotonic()
        figures[name] = parts[name]()
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
        figures |= {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
            "waiting_for_a_core": round(os.getloadavg()[1], 1),
        }
        target.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    cuts = statistics.quantiles(seconds, n=100)
    return {f"p{share}_ms": round(cuts[share - 1] * 1000, 3) for share in (50, 95, 99)}


def gate(data: Path) -> dict[str, Any]:
    """The gate alone, over the questions' own statements and the example's."""
    cases = [(sql, load_project(EXAMPLE).accounts["northwind_sales"]) for sql in ASKED.values()]
    if data.is_dir():
        cases += questions(data)
    seconds: list[float] = []
    processor: list[float] = []
    refused: set[str] = set()
    for _ in range(5):
        for sql, account in cases:
            began, worked = time.perf_counter(), time.thread_time()
            try:
                check_sql(sql, account)
            except SqlRefused:
                refused.add(sql)
            processor.append(time.thread_time() - worked)
            seconds.append(time.perf_counter() - began)
    counts = {"statements": len(cases), "refused": len(refused), "runs": len(seconds)}
    return counts | spread(seconds) | {"processor": spread(processor)}


def questions(data: Path) -> list[tuple[str, AccountConfig]]:
    """The first right statement of every question, with an account that may read its whole database."""
    accounts = {file.stem: whole_account(file) for file in data.glob("*.sql")}
    found = []
    for line in (data / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        question = json.loads(line)
        sql = question["query"].split(";")[0]
        braces = re.search(r"\{([^}]+)\}", sql)
        sql = re.sub(r"\{([^}]+)\}", r"\1", sql).replace("{}", braces.group(1) if braces else "")
        found.append((sql, accounts[question["db_name"]]))
    return found


def whole_account(file: Path) -> AccountConfig:
    """An account that may read every column of every table the file makes."""
    tables = {}
    for raw in parse_sql(file.read_text(encoding="utf-8")):
        if isinstance(raw.stmt, ast.CreateStmt):
            columns = [part.colname for part in raw.stmt.tableElts if isinstance(part, ast.ColumnDef)]
            tables[raw.stmt.relation.relname] = {"columns": columns}
    return AccountConfig.model_validate({"database": "whole", "tables": tables})


@contextmanager
def example() -> Iterator[tuple[Databases, Callable[[], Any]]]:
    """The example company's databases, and what makes a grant for sales."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "northwind"
        shutil.copytree(EXAMPLE, root)
        text = (root / "allotment.yaml").read_text(encoding="utf-8")
        unlimited = "\ndatabase_limits: {database_s_per_minute: 100000}\n"
        (root / "allotment.yaml").write_text(text + unlimited, encoding="utf-8")
        project, workspace = load_project(root), Workspace(root)
        with Databases(project, workspace) as databases:
            databases.provision()
            log = AuditLog(databases.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor")
            with log as audit:
                audit.migrate(databases.admin_dsn())
                request = Request("sales", account="northwind_sales")
                grant = authorize(audit, Policy.of(project), Principal("sofia", "sales"), request, question="measured")
                yield databases, lambda: grant
        databases.server.remove()


def overhead(rounds: int = 200) -> dict[str, Any]:
    """Our whole way of a query beside the bare driver that connects and runs the same statement, in turn."""
    found: dict[str, Any] = {}
    with example() as (databases, grant):
        dsn = account_dsn(databases.server, "northwind_sales", "northwind")
        for name, sql in ASKED.items():
            ran = check_sql(sql, load_project(EXAMPLE).accounts["northwind_sales"]).limited(201)
            ways: dict[str, Callable[[], Any]] = {
                "ours": lambda sql=sql: databases.query(grant(), sql),
                "bare": lambda ran=ran: bare(dsn, ran),
                "connection": lambda: psycopg.connect(dsn).close(),
            }
            taken: dict[str, list[float]] = {way: [] for way in ways}
            worked: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(rounds):
                for way, work in ways.items():
                    began, started = time.perf_counter(), time.thread_time()
                    work()
                    worked[way].append(time.thread_time() - started)
                    taken[way].append(time.perf_counter() - began)
            found[name] = {
                **{way: spread(seconds) for way, seconds in taken.items()},
                **compared(taken),
                "processor": {way: spread(seconds) for way, seconds in worked.items()},
            }
    return found


def bare(dsn: str, sql: str) -> list[tuple[Any, ...]]:
    """What a program does that uses the driver alone."""
    with psycopg.connect(dsn) as connection:
        return connection.execute(sql.encode()).fetchall()


def compared(taken: dict[str, list[float]]) -> dict[str, Any]:
    """Ours against bare: by percentile, and by pairs that ran one after the other."""
    ours, alone = spread(taken["ours"]), spread(taken["bare"])
    pairs = [mine - other for mine, other in zip(taken["ours"], taken["bare"], strict=True)]
    return {
        "rounds": len(pairs),
        "over_bare": {name: round(ours[name] - alone[name], 3) for name in ours},
        "times_bare": round(ours["p50_ms"] / alone["p50_ms"], 2),
        "pairs": spread(pairs),
    }


if __name__ == "__main__":
    main()
