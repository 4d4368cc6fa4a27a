"""Connections of the record: bounded in time on both ends, and durable whatever the server's defaults are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader

from allotment.errors import DatabaseUnavailable

CONNECT_S = 5
"""Seconds a connection may take to be made."""
WAIT_S = 4
"""Seconds an append waits for the others' turn, and a transaction may stand still before the server ends it."""

_SESSION = (
    "SELECT set_config('lock_timeout', %(wait)s, false), set_config('statement_timeout', %(wait)s, false),"
    " set_config('idle_in_transaction_session_timeout', %(wait)s, false),"
    " set_config('synchronous_commit', CASE current_setting('synchronous_commit')"
    " WHEN 'off' THEN 'on' WHEN 'local' THEN 'on' ELSE current_setting('synchronous_commit') END, false)"
)


class _AnyTime(TimestamptzLoader):
    """Reads what no record holds (infinity, years past 9999) as None instead of ending the walk that would name it."""

    def load(self, data: Buffer) -> datetime | None:  # type: ignore[override]
        try:
            return super().load(data)
        except (psycopg.DataError, ValueError, OverflowError):
            return None


def connect(dsn: str) -> Connection[tuple[Any, ...]]:
    """A connection to the record.

    Raises:
        DatabaseUnavailable: the database does not answer, or refuses the login.
    """
    try:
        connection = psycopg.connect(dsn, connect_timeout=CONNECT_S)
    except psycopg.Error as error:
        raise unavailable(error) from error
    connection.adapters.register_loader("timestamptz", _AnyTime)
    return connection


def connect_to_append(dsn: str) -> Connection[tuple[Any, ...]]:
    """A connection whose transactions end by themselves, one way or the other. Errors as ``connect``."""
    connection = connect(dsn)
    try:
        connection.execute(_SESSION, {"wait": f"{WAIT_S}s"})
        connection.commit()
    except psycopg.Error as error:
        connection.close()
        raise unavailable(error) from error
    return connection


@contextmanager
def snapshot(dsn: str) -> Iterator[Connection[tuple[Any, ...]]]:
    """A connection that sees the record as it is at its first query, whatever is written or pruned meanwhile.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    with connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            yield connection
        except psycopg.Error as error:
            raise unavailable(error) from error


def unavailable(error: psycopg.Error) -> DatabaseUnavailable:
    """What a database's error is to whoever wanted to write or read the record."""
    first = (str(error).strip().splitlines() or ["no answer"])[0]
    return DatabaseUnavailable(
        f"the audit record cannot be reached ({first}).",
        element="audit record",
        remedy="See that the database runs, then run `allotment database provision`.",
    )
