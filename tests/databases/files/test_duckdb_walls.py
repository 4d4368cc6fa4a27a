"""DuckDB's own walls around an account's copy: what a raw connection refuses without the gate, and what its own
parser's reading of a statement refuses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow
import pytest
from file_shop import copy_of

from allotment.databases._declared import Rule, Table, rules_of
from allotment.databases.files.duckdb._connect import reading
from allotment.databases.files.duckdb._query import run_query
from allotment.databases.files.duckdb._verdict import judge
from allotment.databases.gate import GatedSql
from allotment.errors import SqlRefused
from allotment.project import DatabaseLimits, Project

hidden_rows = pyarrow.table({"a": [1]})
"""What DuckDB would find by its name in the program that asks it."""

REFUSED = {
    "another file": "ATTACH '{file}' AS other",
    "a file in memory": "ATTACH ':memory:' AS other",
    "writing a file": "COPY (SELECT 1) TO '{file}'",
    "reading into a table": "COPY public.customers FROM '/etc/passwd'",
    "a CSV file": "SELECT * FROM read_csv('/etc/passwd')",
    "a text file": "SELECT * FROM read_text('/etc/passwd')",
    "bytes of a file": "SELECT * FROM read_blob('/etc/passwd')",
    "a JSON file": "SELECT * FROM read_json('/etc/passwd')",
    "a Parquet file": "SELECT * FROM parquet_scan('/etc/passwd')",
    "a file by its name": "SELECT * FROM '/etc/passwd'",
    "a file on the network": "SELECT * FROM 'https://example.org/a.csv'",
    "guessing a file's form": "SELECT * FROM sniff_csv('/etc/passwd')",
    "names of files": "SELECT * FROM glob('/*')",
    "an extension from the network": "INSTALL httpfs",
    "an extension": "LOAD httpfs",
    "full text search": "PRAGMA create_fts_index('public.customers', 'id', 'name')",
    "the environment": "SELECT getenv('HOME')",
    "a variable of Python": "SELECT * FROM hidden_rows",
    "more threads": "SET threads = 64",
    "more memory": "SET memory_limit = '64GB'",
    "files again": "SET enable_external_access = true",
    "the lock": "RESET lock_configuration",
    "a profile in a file": "PRAGMA profiling_output = '{file}'",
    "a log of statements": "SET log_query_path = '{file}'",
    "a log in a file": "CALL enable_logging(storage = 'file', storage_config = {{'path': '{file}'}})",
    "the whole database": "EXPORT DATABASE '{file}'",
    "another database": "IMPORT DATABASE '/etc'",
    "a table of its own": "CREATE TABLE t AS SELECT 1",
    "a macro": "CREATE MACRO f(a) AS a",
    "INSERT": "INSERT INTO public.customers VALUES (9, 'x', 'y', false, 'z')",
    "DELETE": "DELETE FROM public.customers",
    "DROP": "DROP TABLE public.customers",
    "a kept secret": "CREATE PERSISTENT SECRET s (TYPE http)",
}
JUDGED = {
    "settings": "SELECT * FROM duckdb_settings()",
    "where the copy lies": "SELECT path FROM duckdb_databases()",
    "the catalog": "SELECT * FROM information_schema.tables",
    "a series": "SELECT * FROM range(10)",
    "SQL as text": "SELECT * FROM query('SELECT 42')",
    "a table by text": "SELECT * FROM query_table('public.customers')",
    "a setting": "SELECT current_setting('memory_limit')",
    "a long text": "SELECT length(repeat('x', 1000000000))",
    "a long text by padding": "SELECT lpad('x', 1000000000, 'y')",
    "a long text by format": "SELECT printf('%1000000000d', 1)",
    "a long list": "SELECT list_sum(range(100000000))",
    "bytes as text": "SELECT unhex('00')",
    "recursion": "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "a log entry": "SELECT write_log('x')",
    "a passing table": "CREATE TEMP TABLE t AS SELECT 1",
    "a secret": "CREATE SECRET s (TYPE http)",
    "two statements": "SELECT 1; SELECT 2",
    "a setting's statement": "PRAGMA database_list",
    "a plan": "EXPLAIN SELECT 1",
    "values": "VALUES (1)",
    "a pivot": "PIVOT public.customers ON country",
    "a sample": "SELECT name FROM public.customers USING SAMPLE 1",
    "a lambda": "SELECT list_transform([1], lambda x: x + 1)",
    "unnesting": "SELECT unnest([1, 2])",
    "another account's table": "SELECT secret FROM public.secrets",
    "a system table in a schema": "SELECT * FROM pg_catalog.pg_tables",
}


@pytest.fixture(scope="module")
def copy(shops: dict[str, Project]) -> Path:
    """The clerk's copy."""
    return copy_of(shops["duckdb"], "shop_clerk")


@pytest.fixture(scope="module")
def raw(copy: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with reading(copy, account="shop_clerk", timeout_s=120.0) as connection:
        yield connection


@pytest.fixture(scope="module")
def rules(shops: dict[str, Project]) -> list[Rule]:
    return [rule for rule in rules_of(shops["duckdb"], "shop") if rule.account == "shop_clerk"]


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED.keys())
def test_duckdb_refuses_the_account(raw: duckdb.DuckDBPyConnection, tmp_path: Path, sql: str) -> None:
    with pytest.raises(duckdb.Error):
        raw.execute(sql.format(file=tmp_path / "leak")).fetchall()
    assert list(tmp_path.iterdir()) == []


def test_a_connection_that_is_not_sealed_reads_the_variable() -> None:
    with duckdb.connect() as open_connection:
        assert open_connection.execute(REFUSED["a variable of Python"]).fetchall() == [(1,)]


@pytest.mark.parametrize("sql", JUDGED.values(), ids=JUDGED.keys())
def test_duckdb_s_own_reading_refuses(raw: duckdb.DuckDBPyConnection, sql: str) -> None:
    with pytest.raises(SqlRefused):
        judge(raw, sql, frozenset({Table("public", "customers")}))


def test_duckdb_s_own_reading_lets_a_plain_select_through(raw: duckdb.DuckDBPyConnection) -> None:
    sql = (
        "WITH q AS (SELECT country, count(*) AS n FROM public.customers WHERE name LIKE 'A%' ESCAPE '!' GROUP BY 1)"
        " SELECT q.country, coalesce(n, 0) // 2 FROM q JOIN public.customers AS c ON c.country = q.country ORDER BY 1"
    )
    judge(raw, sql, frozenset({Table("public", "customers")}))
    assert raw.execute(sql).description is not None


def test_another_table_is_nowhere_in_the_copy(raw: duckdb.DuckDBPyConnection) -> None:
    columns = raw.execute("SELECT DISTINCT column_name FROM duckdb_columns() WHERE NOT internal").fetchall()
    assert {row[0] for row in columns} == {
        "id", "name", "country", "vip", "note", "customer_id", "day", "placed", "total", "weight",
    }  # fmt: skip


def test_a_query_without_an_end_is_stopped(copy: Path, rules: list[Rule]) -> None:
    endless = "SELECT count(*) FROM " + ", ".join(f"public.orders AS o{number}" for number in range(14))
    with pytest.raises(SqlRefused, match="too long"):
        run_query(
            copy,
            rules,
            GatedSql(f"{endless} WHERE o1.id + o13.id > 0", ()),
            max_rows=5,
            limits=DatabaseLimits(statement_s=0.2),
        )


def test_what_the_gate_would_miss_is_refused(copy: Path, rules: list[Rule]) -> None:
    with pytest.raises(SqlRefused):
        run_query(copy, rules, GatedSql("SELECT path FROM duckdb_databases()", ()), max_rows=5, limits=DatabaseLimits())
