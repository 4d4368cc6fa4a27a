"""A small pool of connections, opened at first use, whose failures are the package's own errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import conninfo
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from allotment.errors import DatabaseUnavailable


class Database:
    """Statements on one database; each runs in a transaction of its own."""

    def __init__(self, dsn: str) -> None:
        self.login = str(conninfo.conninfo_to_dict(dsn).get("user") or "allotment_app")
        """Login role the connections use."""
        self._pool = ConnectionPool(dsn, min_size=0, max_size=8, open=False, timeout=10.0)

    def close(self) -> None:
        """Give all connections back."""
        self._pool.close()

    def rows(self, statement: str, arguments: Any = None) -> list[TupleRow]:
        """All rows of a query."""
        with self._connection() as connection:
            return connection.execute(statement.encode(), arguments).fetchall()

    def row(self, statement: str, arguments: Any = None) -> TupleRow | None:
        """The first row of a query, if there is one."""
        with self._connection() as connection:
            return connection.execute(statement.encode(), arguments).fetchone()

    def run(self, statement: str, arguments: Any = None) -> int:
        """Run a statement; returns how many rows it touched."""
        with self._connection() as connection:
            return connection.execute(statement.encode(), arguments).rowcount

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """Several statements as one transaction, given up if the body raises."""
        with self._connection() as connection, connection.transaction():
            yield connection

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[TupleRow]]:
        try:
            self._pool.open()
            with self._pool.connection() as connection:
                yield connection
        except psycopg.OperationalError as error:
            raise unavailable(error) from error


def unavailable(error: psycopg.OperationalError) -> DatabaseUnavailable:
    """The package's error for a database that does not answer."""
    return DatabaseUnavailable(
        f"the database of users does not answer ({str(error).strip()}).",
        element="gateway",
        remedy="Start the database server, or see `allotment check`.",
    )
