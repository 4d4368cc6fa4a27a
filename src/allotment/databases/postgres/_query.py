"""Runs a gated statement on the account's own login: read-only, and with every part of its answer bounded.

It is sent twice in the extended protocol, in which the server itself refuses a second statement: once for no row,
which tells the names and types of its columns and whatever is wrong with the statement itself, and once for its
rows. Around the rows the server computes how large each is, so that one that is too large never leaves it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from psycopg import Column, Connection, capabilities, sql

from allotment.cancellation import current
from allotment.databases._result import QueryResult, Value, to_json
from allotment.databases.gate import GatedSql
from allotment.databases.postgres._refusals import fault_in_data, fault_in_statement, too_large
from allotment.databases.postgres._watchdog import WATCHDOG
from allotment.errors import SqlTimedOut
from allotment.project import DatabaseLimits

Account = Connection[tuple[Any, ...]]
Prepare = Callable[[Account], None]

GRACE_S = 1.0
"""Seconds the server's own time limit is ahead of the watchdog."""
_FIXED_BYTES = 8
"""What a value counts besides its length."""
_BYTEA = 17

_CHUNK = 20 if capabilities.has_stream_chunked() else 1
"""Rows the driver takes from the server at once; with the bound of each, they bound the memory."""

_BOUNDED = sql.SQL(
    "SELECT {values}, size FROM (SELECT *, {size} AS size FROM ({statement}) AS answer({names}) OFFSET 0) AS sized"
)
_SIZE = sql.SQL("coalesce(pg_catalog.octet_length({}), 0)::pg_catalog.int8")
_VALUE = sql.SQL("CASE WHEN size <= {} THEN {} END AS {}")


def run_query(
    connection: Account,
    account: str,
    gated: GatedSql,
    *,
    limits: DatabaseLimits,
    max_rows: int,
    prepare: Prepare | None = None,
) -> QueryResult:
    """Run a statement that passed the gate; the connection is fresh and is closed afterwards by the caller.

    Args:
        connection: from ``connect_account``.
        account: its login, for messages.
        gated: the statement.
        limits: bounds of time and bytes.
        max_rows: most rows.
        prepare: runs in the read-only transaction before the statement.

    Raises:
        SqlRefused: the account may not, it took too long, its answer is too large, or PostgreSQL cannot do it.
        DatabaseUnavailable: the connection was lost, or the database is not as declared.
        Cancelled: nobody waits for the answer any longer; the statement was cancelled.
    """
    connection.read_only = True
    translate = fault_in_data
    with WATCHDOG.over(connection, limits.statement_s + GRACE_S) as watch:
        try:
            if prepare is not None:
                prepare(connection)
            translate = fault_in_statement
            columns = _describe(connection, gated)
            translate = fault_in_data
            rows, truncated = _fetch(connection, gated, columns, max_rows, limits.answer_bytes)
        except (psycopg.Error, UnicodeError) as error:
            current().require()
            raise (SqlTimedOut(account) if watch.ended else translate(error, account, gated)) from None
    names = tuple(column.name for column in columns)
    return QueryResult(names, rows, truncated, gated.sql, account)


def _describe(connection: Account, gated: GatedSql) -> Sequence[Column]:
    # binary=True is what makes the driver use the extended protocol for a statement without parameters.
    return connection.execute(gated.limited(0), binary=True).description or ()


def _fetch(
    connection: Account, gated: GatedSql, columns: Sequence[Column], max_rows: int, max_bytes: int
) -> tuple[tuple[tuple[Value, ...], ...], bool]:
    rows: list[tuple[Value, ...]] = []
    total = 0
    statement = _bounded(gated.limited(max_rows + 1), columns, max_bytes)
    # stream() is what makes the driver use the extended protocol for a statement whose values come as text.
    for *values, size in connection.cursor().stream(statement, size=_CHUNK):
        if size > max_bytes:
            raise too_large(size, max_bytes)
        total += size
        if len(rows) == max_rows or total > max_bytes:
            return tuple(rows), True
        rows.append(tuple(to_json(value) for value in values))
    return tuple(rows), False


def _bounded(statement: str, columns: Sequence[Column], max_bytes: int) -> sql.Composed:
    """The statement with the size of each row beside it; the values of one that is too large are left out."""
    names = [sql.Identifier(f"c{number}") for number in range(len(columns))]
    sizes: list[sql.Composable] = [sql.SQL("{}::pg_catalog.int8").format(sql.Literal(_FIXED_BYTES * len(columns)))]
    values: list[sql.Composable] = []
    for name, column in zip(names, columns, strict=True):
        shown = sql.Identifier(column.name)
        if column.internal_size is not None:
            values.append(sql.SQL("{} AS {}").format(name, shown))
            continue
        # The length of a text needs no copy of it, however large it is; other types are measured as what will be sent.
        measured = name if column.type_code == _BYTEA else sql.SQL("{}::pg_catalog.text").format(name)
        sizes.append(_SIZE.format(measured))
        values.append(_VALUE.format(sql.Literal(max_bytes), name, shown))
    return _BOUNDED.format(
        values=sql.SQL(", ").join(values),
        size=sql.SQL(" + ").join(sizes),
        statement=sql.SQL(statement),
        names=sql.SQL(", ").join(names),
    )
