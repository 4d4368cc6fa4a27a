"""Runs a gated statement on the account's own login: read-only, with a time limit, a row cap and a byte cap."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import Connection, errors, sql

from allotment.databases._result import QueryResult, Value, to_json
from allotment.databases.gate._check_sql import GatedSql
from allotment.databases.postgres._connect import connect
from allotment.errors import DatabaseUnavailable, SqlRefused

MAX_BYTES = 1_000_000
"""Most bytes of text one answer may hold."""


Prepare = Callable[[Connection[tuple[Any, ...]]], None]
"""What is done in the transaction before the statement."""


def run_query(
    dsn: str,
    account: str,
    gated: GatedSql,
    *,
    max_rows: int,
    timeout_s: float = 5.0,
    prepare: Prepare | None = None,
) -> QueryResult:
    """Run a statement that passed the gate on a connection of its own.

    Raises:
        SqlRefused: the account may not, it took too long, or PostgreSQL cannot do it.
        DatabaseUnavailable: the database does not answer.
    """
    with connect(dsn, element=account) as connection:
        connection.read_only = True
        try:
            if prepare is not None:
                prepare(connection)
            columns, rows, truncated = _fetch(connection, gated, max_rows, timeout_s)
        except psycopg.Error as error:
            raise _translated(error, account) from None
    return QueryResult(columns, rows, truncated, gated.sql, account)


def _fetch(
    connection: Connection[tuple[Any, ...]], gated: GatedSql, max_rows: int, timeout_s: float
) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...], bool]:
    limit = sql.SQL("SET LOCAL statement_timeout = {}").format(sql.Literal(round(timeout_s * 1000)))
    connection.execute(limit)
    cursor = connection.cursor()
    rows: list[tuple[Value, ...]] = []
    size = 0
    # stream() uses the extended protocol, in which the server itself refuses a second statement.
    for row in cursor.stream(gated.limited(max_rows + 1)):
        values = tuple(to_json(value) for value in row)
        size += sum(len(value.encode("utf-8")) if isinstance(value, str) else 8 for value in values)
        if len(rows) == max_rows or size > MAX_BYTES:
            return _names(cursor), tuple(rows), True
        rows.append(values)
    return _names(cursor), tuple(rows), False


def _names(cursor: psycopg.Cursor[tuple[Any, ...]]) -> tuple[str, ...]:
    return tuple(column.name for column in cursor.description or ())


def _translated(error: psycopg.Error, account: str) -> SqlRefused | DatabaseUnavailable:
    """PostgreSQL's error without what may hold data: no DETAIL, and no message that quotes a value."""
    if isinstance(error, errors.InsufficientPrivilege):
        return SqlRefused("the database refuses this to the account.", element=account)
    if isinstance(error, errors.QueryCanceled):
        return SqlRefused("the query took too long.", element=account, remedy="Ask for less.")
    state = error.sqlstate or ""
    if not state or state.startswith(("08", "57", "53")):
        return DatabaseUnavailable("the connection was lost.", element=account, remedy="Try again.")
    # Class 42 is about names and types in the statement itself, which whoever wrote it knows already.
    told = (error.diag.message_primary or "") if state.startswith("42") else f"error {state} in the data"
    return SqlRefused(f"the query cannot run ({told}).", element=account, remedy="Mend the statement.")
