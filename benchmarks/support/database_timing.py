"""Whether the time of an answer tells of rows the account may not see, by the design of the table.

A value that only hidden rows have is asked for, and one that no row has, in turn on one connection. Where the times
differ, the hidden value is found out.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import Any

import psycopg
from support.database_company import DATABASE, company

from allotment.databases.postgres._server import account_dsn

ROWS = 100_000
FILL = "SELECT i, CASE WHEN i % 20 = 0 THEN 'north' ELSE 'south' END, 'customer ' || (i % 20) FROM generate_series"
DESIGNS = {
    "no index": "",
    "an index on what is asked": "CREATE INDEX ON {table} (customer);",
    "an index led by the policy's column": "CREATE INDEX ON {table} (region, customer);",
    "both indexes": "CREATE INDEX ON {table} (customer); CREATE INDEX ON {table} (region, customer);",
    "a partition per clearance": "CREATE INDEX ON {table} (customer);",
}
HIDDEN, ABSENT = "customer 7", "customer x"


def _tables() -> str:
    found = []
    for number, (name, index) in enumerate(DESIGNS.items()):
        table = f"sale{number}"
        split = " PARTITION BY LIST (region)" if "partition" in name else ""
        found.append(f"CREATE TABLE {table} (id int, region text, customer text){split};")
        for region in ("north", "south") if split else ():
            found += [f"CREATE TABLE {table}_{region} PARTITION OF {table} FOR VALUES IN ('{region}');"]
        found.append(f"INSERT INTO {table} {FILL}(1, {ROWS}) i;")
        found.append(index.format(table=table))
    return "\n".join([*found, "ANALYZE;"])


def timing(rounds: int = 150) -> dict[str, Any]:
    """Median milliseconds for the hidden and the absent value, and their ratio, for every design."""
    tables = {f"sale{n}": {"columns": ["id", "customer"], "rows": {"region": "north"}} for n in range(len(DESIGNS))}
    found: dict[str, Any] = {}
    with company(_tables(), {"north": tables}, {}) as (databases, _):
        databases.provision()
        with psycopg.connect(account_dsn(databases.server, "north", DATABASE), autocommit=True) as connection:
            for number, name in enumerate(DESIGNS):
                query = f"SELECT count(id) FROM public.sale{number} WHERE customer = %s".encode()
                taken: dict[str, list[float]] = {HIDDEN: [], ABSENT: []}
                for _ in range(rounds):
                    for value in random.sample([HIDDEN, ABSENT], 2):
                        began = time.perf_counter()
                        counted = connection.execute(query, [value], prepare=False).fetchone()
                        taken[value].append(time.perf_counter() - began)
                        assert counted == (0,)
                hidden, absent = (statistics.median(taken[value]) * 1000 for value in (HIDDEN, ABSENT))
                found[name] = {
                    "hidden_ms": round(hidden, 3),
                    "absent_ms": round(absent, 3),
                    "ratio": round(hidden / absent, 2),
                }
    return found
