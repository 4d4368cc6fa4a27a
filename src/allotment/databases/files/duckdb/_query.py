"""Runs a gated statement on an account's DuckDB copy: rewritten, judged by DuckDB's own parser, and capped."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import duckdb
from sqlglot import exp

from allotment.cancellation import current
from allotment.databases._declared import Rule, Table
from allotment.databases._result import QueryResult
from allotment.databases.files._caps import capped
from allotment.databases.files._dialect import ColumnTypes
from allotment.databases.files.duckdb._connect import reading
from allotment.databases.files.duckdb._rewrite import to_duckdb
from allotment.databases.files.duckdb._verdict import judge
from allotment.databases.gate import GatedSql
from allotment.errors import SqlRefused, SqlTimedOut
from allotment.project import DatabaseLimits

_ABOUT_THE_STATEMENT = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
"""Errors about names and types, which whoever wrote the statement knows already; others may quote a value."""

_TYPES = "SELECT schema_name, table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal"
_TYPES_TIMEOUT_S = 30.0


def run_query(
    copy: Path, rules: Sequence[Rule], gated: GatedSql, *, max_rows: int, limits: DatabaseLimits
) -> QueryResult:
    """Run a statement that passed the gate.

    Raises:
        SqlRefused: DuckDB cannot answer it as PostgreSQL would, reads it otherwise, took too long, or cannot do it.
        DatabaseUnavailable: the copy cannot be read.
        Cancelled: nobody waits for the answer any longer.
    """
    account = rules[0].account
    text = to_duckdb(gated, column_types(copy))
    with reading(copy, account=account, timeout_s=limits.statement_s) as connection:
        judge(connection, text, frozenset(rule.table for rule in rules))
        limited = f"SELECT * FROM ({text}) AS answer LIMIT {max_rows + 1}"  # noqa: S608 - judged
        try:
            found = connection.execute(limited)
            names = gated.columns or tuple(column[0] for column in found.description)
            rows, truncated = capped(found.fetchall(), max_rows, limits.answer_bytes)
        except duckdb.Error as error:
            current().require()
            raise _translated(error, account) from None
    return QueryResult(names, rows, truncated, gated.sql, account)


@lru_cache(maxsize=256)
def column_types(copy: Path) -> ColumnTypes:
    """Table → column → its type; a copy of that name never changes, for the name has its hash."""
    found: dict[Table, dict[str, exp.DataType]] = {}
    with reading(copy, account=copy.name, timeout_s=_TYPES_TIMEOUT_S) as connection:
        for schema, table, column, kind in connection.execute(_TYPES).fetchall():
            found.setdefault(Table(schema, table), {})[column] = exp.DataType.build(kind, dialect="duckdb")
    return found


def _translated(error: duckdb.Error, account: str) -> SqlRefused:
    if isinstance(error, duckdb.InterruptException):
        return SqlTimedOut(account)
    if isinstance(error, duckdb.OutOfMemoryException):
        return SqlRefused("the query needs too much memory.", element=account, remedy="Ask for less.")
    known = isinstance(error, _ABOUT_THE_STATEMENT)
    told = str(error).splitlines()[0] if known else f"{type(error).__name__.removesuffix('Exception')} in the data"
    return SqlRefused(f"the query cannot run in DuckDB ({told}).", element=account, remedy="Mend the statement.")
