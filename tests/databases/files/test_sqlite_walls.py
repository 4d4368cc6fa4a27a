"""SQLite's own walls around an account's copy: what a raw connection refuses without the gate."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_shop import copy_of

from allotment.databases._declared import Rule, rules_of
from allotment.databases.files.sqlite._connect import LARGEST_VALUE, connect
from allotment.databases.files.sqlite._query import run_query
from allotment.databases.gate import GatedSql
from allotment.errors import SqlRefused
from allotment.project import DatabaseLimits, Project

REFUSED = {
    "another file": "ATTACH 'other.db' AS other",
    "a file in memory": "ATTACH ':memory:' AS other",
    "detaching": "DETACH main",
    "a setting": "PRAGMA query_only = OFF",
    "reading a setting": "PRAGMA database_list",
    "a setting as a table": "SELECT * FROM pragma_database_list",
    "columns as a table": "SELECT * FROM pragma_table_info('customers')",
    "functions as a table": "SELECT * FROM pragma_function_list",
    "the schema": "SELECT sql FROM sqlite_master",
    "the schema by its new name": "SELECT name FROM sqlite_schema",
    "the passing schema": "SELECT * FROM sqlite_temp_master",
    "loading code": "SELECT load_extension('libm.so.6')",
    "writing a file": "SELECT writefile('/tmp/leak', 'x')",
    "reading a file": "SELECT readfile('/etc/passwd')",
    "a tokenizer's address": "SELECT fts3_tokenizer('simple')",
    "a virtual table": "CREATE VIRTUAL TABLE t USING fts5(a)",
    "a series": "SELECT value FROM generate_series(1, 10)",
    "a list as a table": "SELECT value FROM json_each('[1]')",
    "random bytes": "SELECT length(randomblob(100000000))",
    "many zeros": "SELECT length(zeroblob(100000000))",
    "a long text by hex": "SELECT hex(zeroblob(100000000))",
    "a long text by format": "SELECT printf('%100000000d', 1)",
    "a long text by replace": "SELECT replace(name, '', name) FROM customers",
    "quoted text": "SELECT quote(name) FROM customers",
    "recursion": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "a row's number": "SELECT rowid FROM customers",
    "a column nobody declared": "SELECT secret FROM orders",
    "a table of its own": "CREATE TABLE t (a)",
    "a passing table": "CREATE TEMP TABLE t (a)",
    "a view": "CREATE VIEW v AS SELECT 1",
    "a trigger": "CREATE TEMP TRIGGER g AFTER INSERT ON customers BEGIN SELECT 1; END",
    "INSERT": "INSERT INTO customers VALUES (9, 'x', 'y', 0, 'z')",
    "UPDATE": "UPDATE customers SET name = 'x'",
    "DELETE": "DELETE FROM customers",
    "DROP": "DROP TABLE customers",
    "a transaction": "BEGIN",
    "a savepoint": "SAVEPOINT s",
    "rewriting the file": "VACUUM INTO '/tmp/leak.db'",
    "statistics": "ANALYZE",
    "the version": "SELECT sqlite_version()",
    "the source": "SELECT sqlite_source_id()",
    "compile options": "SELECT sqlite_compileoption_get(1)",
    "counts of changes": "SELECT total_changes(), last_insert_rowid()",
    "two statements": "SELECT 1; ATTACH 'x' AS y",
}


@pytest.fixture(scope="module")
def copy(shops: dict[str, Project]) -> Path:
    """The clerk's copy."""
    return copy_of(shops["sqlite"], "shop_clerk")


@pytest.fixture
def raw(shops: dict[str, Project], copy: Path) -> Iterator[sqlite3.Connection]:
    with connect(copy, _rules(shops), timeout_s=5.0) as connection:
        yield connection


def _rules(shops: dict[str, Project]) -> list[Rule]:
    return [rule for rule in rules_of(shops["sqlite"], "shop") if rule.account == "shop_clerk"]


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED.keys())
def test_sqlite_refuses_the_account(raw: sqlite3.Connection, sql: str) -> None:
    with pytest.raises((sqlite3.Error, sqlite3.Warning)):
        raw.execute(sql).fetchall()


def test_sqlite_answers_what_is_declared(raw: sqlite3.Connection) -> None:
    assert raw.execute("SELECT count(*), max(name) FROM customers").fetchone() == (6, "émile")


def test_no_file_came_of_the_attacks(raw: sqlite3.Connection, tmp_path: Path) -> None:
    target = tmp_path / "leak.db"
    for sql in (f"ATTACH '{target}' AS other", f"VACUUM INTO '{target}'", f"SELECT writefile('{target}', 'x')"):
        with pytest.raises(sqlite3.Error):
            raw.execute(sql)
    assert not target.exists()


def test_code_cannot_be_loaded_from_python_s_side_either(raw: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="not authorized"):
        raw.execute("SELECT load_extension('x')")


@pytest.mark.parametrize("sql", ["SELECT name || name FROM customers", "SELECT group_concat(note, '-') FROM customers"])
def test_a_value_cannot_grow_past_its_limit(raw: sqlite3.Connection, sql: str) -> None:
    raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 8)  # the same limit, made small
    with pytest.raises(sqlite3.DataError, match="too big"):
        raw.execute(sql).fetchall()
    assert raw.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 8) == 8 < LARGEST_VALUE


def test_a_text_that_doubles_ends_at_the_limit(raw: sqlite3.Connection) -> None:
    doubled = "WITH a AS (SELECT 'xxxxxxxxxx' AS t)" + "".join(
        f", {'abcdefghijklmnopqrs'[n + 1]} AS (SELECT t || t AS t FROM {'abcdefghijklmnopqrs'[n]})" for n in range(18)
    )
    with pytest.raises(sqlite3.DataError, match="too big"):
        raw.execute(f"{doubled} SELECT length(t) FROM s").fetchall()


def test_a_query_without_an_end_is_stopped(shops: dict[str, Project], copy: Path) -> None:
    endless = "SELECT count(*) FROM " + ", ".join(f"public.orders AS o{number}" for number in range(12))
    with pytest.raises(SqlRefused, match="too long"):
        run_query(copy, _rules(shops), GatedSql(endless, ()), max_rows=5, limits=DatabaseLimits(statement_s=0.2))


@pytest.mark.parametrize("sql", ["SELECT orders.secret FROM public.orders", "SELECT a.id FROM public.secrets AS a"])
def test_what_the_gate_would_miss_is_refused(shops: dict[str, Project], copy: Path, sql: str) -> None:
    with pytest.raises(SqlRefused):
        run_query(copy, _rules(shops), GatedSql(sql, ()), max_rows=5, limits=DatabaseLimits())
