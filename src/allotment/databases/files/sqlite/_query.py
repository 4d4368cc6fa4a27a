"""Runs a gated statement on an account's SQLite copy: rewritten, authorized by SQLite's own reading, and capped."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from sqlglot import exp

from allotment.cancellation import current
from allotment.databases._declared import Rule, Table
from allotment.databases._result import QueryResult
from allotment.databases.files._caps import capped
from allotment.databases.files._dialect import ColumnTypes
from allotment.databases.files._quote import name
from allotment.databases.files._typing import Kind
from allotment.databases.files.sqlite._connect import connect
from allotment.databases.files.sqlite._rewrite import to_sqlite
from allotment.databases.gate import GatedSql
from allotment.errors import DatabaseUnavailable, SqlRefused, SqlTimedOut
from allotment.project import DatabaseLimits

_TYPES = {"INTEGER": "INT", "REAL": "DOUBLE", "NUMERIC": "DECIMAL", "BLOB": "BYTEA", "MIXED BLOB": "UNKNOWN"}
"""Types of a copy that PostgreSQL calls otherwise."""


def run_query(
    copy: Path, rules: Sequence[Rule], gated: GatedSql, *, max_rows: int, limits: DatabaseLimits
) -> QueryResult:
    """Run a statement that passed the gate.

    Raises:
        SqlRefused: SQLite cannot answer it as PostgreSQL would, may not, took too long, or cannot do it.
        DatabaseUnavailable: the copy cannot be read.
        Cancelled: nobody waits for the answer any longer.
    """
    account = rules[0].account
    try:
        text, kinds = to_sqlite(gated, column_types(copy))
        with connect(copy, rules, timeout_s=limits.statement_s) as connection:
            cursor = connection.execute(text)
            names = gated.columns or tuple(column[0] for column in cursor.description)
            rows, truncated = capped((map(_answered, row, kinds) for row in cursor), max_rows, limits.answer_bytes)
    except sqlite3.Error as error:
        current().require()
        raise _translated(error, account) from None
    return QueryResult(names, rows, truncated, gated.sql, account)


@lru_cache(maxsize=256)
def column_types(copy: Path) -> ColumnTypes:
    """Table → column → its type in PostgreSQL's words; a copy of that name never changes, for the name has its hash."""
    with closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            Table("public", table): {
                row[1]: exp.DataType.build(_TYPES.get(row[2], row[2]))
                for row in connection.execute(f"PRAGMA table_info({name(table)})")
            }
            for table in tables
        }


def _answered(value: object, kind: Kind) -> object:
    """A value as PostgreSQL gives it: yes and no where SQLite knows only 1 and 0, a time in ISO form."""
    if kind == "boolean" and value is not None:
        return bool(value)
    return value.replace(" ", "T") if kind == "timestamp" and isinstance(value, str) else value


def _translated(error: sqlite3.Error, account: str) -> SqlRefused | DatabaseUnavailable:
    code = getattr(error, "sqlite_errorname", "")
    if code == "SQLITE_AUTH":
        return SqlRefused("the database refuses this to the account.", element=account)
    if code == "SQLITE_INTERRUPT":
        return SqlTimedOut(account)
    if code == "SQLITE_TOOBIG":
        return SqlRefused("a value or the statement is too large.", element=account, remedy="Ask for less.")
    if code in {"SQLITE_CANTOPEN", "SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_IOERR"}:
        return DatabaseUnavailable(
            "the copy cannot be read.", element=account, remedy="Run `allotment database provision --reload`."
        )
    told = "a division by zero, or a value out of range" if "user-defined function" in str(error) else str(error)
    return SqlRefused(f"the query cannot run in SQLite ({told}).", element=account, remedy="Mend the statement.")
