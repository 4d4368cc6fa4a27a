"""How long the self-check, the schema card and a query take as the database grows around the declared tables."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import psycopg
from support.database_company import DATABASE, company

SIZES = (10, 100, 1_000, 10_000, 30_000)
DECLARED = 5
BATCH = 1_000
FIRST = "".join(
    f"CREATE TABLE t{number} (id int PRIMARY KEY, owner int, name text);"
    f"INSERT INTO t{number} SELECT i, i % 2, 'name ' || i % 5 FROM generate_series(1, 100) i;\n"
    for number in range(DECLARED)
)
ACCOUNTS = {
    account: {f"t{number}": {"columns": ["id", "name"], "rows": {"owner": owner}} for number in range(DECLARED)}
    for owner, account in enumerate(("north", "south"))
}
MORE = """DO $$ BEGIN FOR i IN {}..{} LOOP
  EXECUTE format('CREATE TABLE t%s (id int, owner int, name int)', i); END LOOP; END $$"""


def growth() -> dict[str, Any]:
    """Seconds at each size; two accounts with five tables each are declared."""
    found: dict[str, Any] = {}
    with company(FIRST, ACCOUNTS, {"database_s_per_minute": 100_000}) as (databases, grants):
        databases.provision()
        grant = grants["north"]
        there = DECLARED
        for size in SIZES:
            with psycopg.connect(databases.admin_dsn(DATABASE), autocommit=True) as admin:
                for first in range(there, size, BATCH):
                    admin.execute(MORE.format(first, min(first + BATCH, size) - 1).encode())
                there = size
                admin.execute("ALTER ROLE north CONNECTION LIMIT 7")
            provisioned = seconds(databases.provision)
            found[str(size)] = {
                "provision_after_a_change_s": provisioned,
                "self_check_s": median(databases.check),
                "schema_card_s": median(lambda: databases.schema_card(grant)),
                "query_s": median(lambda: databases.query(grant, "SELECT count(*) FROM t1")),
            }
            print(size, found[str(size)], flush=True)
    return found


def seconds(work: Callable[[], Any]) -> float:
    """How long something takes."""
    began = time.perf_counter()
    work()
    return round(time.perf_counter() - began, 3)


def median(work: Callable[[], Any]) -> float:
    """The median of three."""
    return statistics.median(seconds(work) for _ in range(3))
