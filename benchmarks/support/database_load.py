"""A thousand requests over twenty agents at once: all answered, none mixed up, no connection too many and none left."""

from __future__ import annotations

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
from support.database_company import DATABASE, company

from allotment.databases import Databases
from allotment.databases.postgres._server import account_dsn

AGENTS = [f"agent{number}" for number in range(20)]
REQUESTS = 1000
AT_ONCE = 200
SALES = """
CREATE TABLE sale (id int PRIMARY KEY, agent text, amount int);
INSERT INTO sale SELECT i, 'agent' || i % 20, i FROM generate_series(1, 20000) i;
CREATE INDEX ON sale (agent);
"""
ASKED = "SELECT count(*) AS n, sum(amount) AS total, min(agent) AS first, max(agent) AS last FROM sale"
LIMITS = {"database_s_per_minute": 100_000, "wait_s": 300}


def load() -> dict[str, Any]:
    """Ask, and look at the server's sessions meanwhile."""
    tables = {agent: {"sale": {"columns": ["amount", "agent"], "rows": {"agent": agent}}} for agent in AGENTS}
    with company(SALES, tables, LIMITS) as (databases, grants):
        databases.provision()
        seconds: list[float] = []

        def ask(number: int) -> bool:
            agent = AGENTS[number % len(AGENTS)]
            began = time.perf_counter()
            rows = databases.query(grants[agent], ASKED).rows
            seconds.append(time.perf_counter() - began)
            total = sum(range(number % len(AGENTS) or len(AGENTS), 20_001, 20))
            return rows == ((1000, total, agent, agent),)

        with Sessions(databases) as sessions, ThreadPoolExecutor(AT_ONCE) as pool:
            began = time.perf_counter()
            right = sum(pool.map(ask, range(REQUESTS)))
            whole = time.perf_counter() - began
            left = sessions.left()
    return {
        "requests": REQUESTS,
        "agents": len(AGENTS),
        "askers_at_once": AT_ONCE,
        "right": right,
        "seconds": round(whole, 1),
        "per_second": round(REQUESTS / whole, 1),
        "median_s": round(statistics.median(seconds), 2),
        "most_connections": sessions.most,
        "most_of_one_account": sessions.most_of_one,
        "samples": sessions.samples,
        "connections_left": left,
    }


class Sessions:
    """Samples how many sessions the agents have on the server, as it says itself."""

    def __init__(self, databases: Databases) -> None:
        self.most = self.most_of_one = self.samples = 0
        self._admin = psycopg.connect(databases.admin_dsn(DATABASE), autocommit=True)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Sessions:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()
        self._admin.close()

    def left(self) -> int:
        """Sessions that are still there two seconds after the last answer."""
        self._end.wait(2)
        return sum(self._now())

    def _sample(self) -> None:
        while not self._end.wait(0.01):
            now = self._now()
            self.samples += 1
            self.most, self.most_of_one = max(self.most, sum(now)), max(self.most_of_one, *now, 0)

    def _now(self) -> list[int]:
        query = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE 'agent%' GROUP BY usename"
        return [row[0] for row in self._admin.execute(query).fetchall()]


def memory(connections: int = 20) -> dict[str, Any]:
    """Private memory of the server's processes, before and with connections that answered one question."""
    tables = {agent: {"sale": {"columns": ["amount", "agent"], "rows": {"agent": agent}}} for agent in AGENTS}
    with company(SALES, tables, LIMITS) as (databases, _):
        databases.provision()
        base = databases.server.place.data
        before = _private_kib(base)
        opened = [psycopg.connect(account_dsn(databases.server, agent, DATABASE)) for agent in AGENTS[:connections]]
        for connection in opened:
            connection.execute("SELECT count(amount) FROM public.sale")
        grown = _private_kib(base) - before
        for connection in opened:
            connection.close()
        with psycopg.connect(databases.admin_dsn(DATABASE)) as admin:
            shared = admin.execute("SHOW shared_memory_size").fetchone()
            most = admin.execute("SHOW max_connections").fetchone()
    return {
        "max_connections": int(most[0]) if most else None,
        "shared_memory": shared[0] if shared else None,
        "mib_per_connection": round(grown / 1024 / connections, 1),
    }


def _private_kib(data: Path) -> int:
    """Private memory of all processes that work in the server's data directory."""
    total = 0
    for folder in Path("/proc").iterdir():
        with suppress(OSError):
            if folder.name.isdigit() and (folder / "cwd").resolve() == data.resolve():
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    return total
