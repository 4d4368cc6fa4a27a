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
    """Statements on one database; each is a transaction of its own, and one round trip."""

    def __init__(self, dsn: str, *, timeout_s: float = 10.0) -> None:
        """``timeout_s`` bounds waiting for a connection, and each statement."""
        self.login = str(conninfo.conninfo_to_dict(dsn).get("user") or "allotment_app")
        """Login role the connections use."""
        own = conninfo.conninfo_to_dict(dsn).get("options") or ""
        bounded = f"{own} -c statement_timeout={round(timeout_s * 1000)}".strip()
        # Without autocommit, BEGIN and COMMIT would each be a round trip more.
        kwargs = {"options": bounded, "connect_timeout": max(2, round(timeout_s)), "autocommit": True}
        self._pool = ConnectionPool(dsn, min_size=0, max_size=8, open=False, timeout=timeout_s, kwargs=kwargs)

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

    def connections(self) -> dict[str, int]:
        """How many connections there are, are free, and are waited for."""
        told = self._pool.get_stats()
        return {
            "open": told.get("pool_size", 0),
            "free": told.get("pool_available", 0),
            "waiting": told.get("requests_waiting", 0),
        }

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
