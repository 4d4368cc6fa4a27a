"""The audit record: append-only by the database's rights, tamper-evident by its chain.

Appends of all threads, processes and machines go one after the other through one lock in the database, so there
is one chain whoever writes.
"""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import Connection

from allotment.audit._anchor import Anchor, advance_anchor, begin_anchor, read_anchor
from allotment.audit._chain import GENESIS, Row, canonical, is_genuine, row_mac
from allotment.audit._verify import COLUMNS, VerifyReport, verify_chain
from allotment.databases import migrate_schema
from allotment.errors import DatabaseUnavailable, IntegrityError

_LOCK = 4712039955
"""Number of the advisory lock appends take one after the other; any fixed number."""


@dataclass(frozen=True)
class AuditRecord:
    """One record: its number from 1, when it was written, what it says, and its MAC."""

    sequence: int
    at: datetime
    event: dict[str, Any]
    mac: str


class AuditLog:
    """The record of one project.

    Args:
        dsn: the application's login, which may read and add records and nothing else.
        key: secret of the chain; never in the database.
        anchor: file that knows the last record, outside the database.
    """

    def __init__(self, dsn: str, key: str, anchor: Path) -> None:
        self._dsn = dsn
        self._key = key
        self._anchor = anchor
        self._mutex = threading.Lock()
        self._open: list[Connection[tuple[Any, ...]]] = []
        weakref.finalize(self, _close_all, self._open)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        with self._mutex:
            _close_all(self._open)

    def migrate(self, admin_dsn: str, role: str | None = None) -> None:
        """Make the table, owned by the administrator; ``role`` (default: that of ``dsn``) may read and add only.

        Raises:
            DatabaseUnavailable: the database does not answer or the administrator's login is refused.
        """
        name = role or psycopg.conninfo.conninfo_to_dict(self._dsn).get("user")
        identifier = psycopg.sql.Identifier(str(name))
        migrate_schema(admin_dsn, "audit", Path(__file__).parent / "migrations")
        with _connect(admin_dsn) as admin:
            admin.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            admin.execute(psycopg.sql.SQL("REVOKE ALL ON audit.record FROM {}").format(identifier))
            admin.execute(psycopg.sql.SQL("GRANT USAGE ON SCHEMA audit TO {}").format(identifier))
            admin.execute(psycopg.sql.SQL("GRANT SELECT, INSERT ON audit.record TO {}").format(identifier))
            empty = admin.execute("SELECT FROM audit.record LIMIT 1").rowcount == 0
            if empty and read_anchor(self._anchor, self._key) is None:
                begin_anchor(self._anchor, self._key)

    def append(self, event: Mapping[str, Any]) -> AuditRecord:
        """Write one event; it is on the disk when this returns.

        Raises:
            DatabaseUnavailable: it could not be written.
            IntegrityError: the record's end is not what the anchor knows; nothing is written.
        """
        text = canonical(event)
        with self._transaction() as connection:
            last = self._checked_end(connection)
            sequence, at = last.sequence + 1, datetime.now(UTC)
            mac = row_mac(self._key, sequence, at, text, last.mac)
            connection.execute(
                f"INSERT INTO audit.record ({COLUMNS}) VALUES (%s, %s, %s, %s, %s)",  # noqa: S608 - constant
                [sequence, at, text, last.mac, mac],
            )
        # After the commit: the anchor may lag behind the record, and is never ahead of it.
        advance_anchor(self._anchor, self._key, Anchor(sequence, mac))
        return AuditRecord(sequence, at, json.loads(text), mac)

    def verify(self) -> VerifyReport:
        """Walk the whole record; the report names the first place that is not as it was written.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        # A connection of its own: a long walk must not hold up appends.
        with _connect(self._dsn) as connection:
            return verify_chain(connection, self._key, self._anchor)

    def records(self, limit: int = 100) -> list[AuditRecord]:
        """The newest records, newest first.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        query = "SELECT sequence, at, event, mac FROM audit.record ORDER BY sequence DESC LIMIT %s"
        with _connect(self._dsn) as connection:
            rows = connection.execute(query, [limit]).fetchall()
        return [AuditRecord(sequence, at, json.loads(event), mac) for sequence, at, event, mac in rows]

    def _checked_end(self, connection: Connection[tuple[Any, ...]]) -> Anchor:
        """The last record, after its way back to the anchor was checked: a cut or forged tail is never built upon."""
        anchor = read_anchor(self._anchor, self._key)
        start = anchor or Anchor(0, GENESIS)
        rows = connection.execute(
            f"SELECT {COLUMNS} FROM audit.record WHERE sequence >= %s ORDER BY sequence",  # noqa: S608 - constant
            [start.sequence],
        ).fetchall()
        found = [Row(*row) for row in rows]
        if anchor is None and found:
            raise self._cut("its anchor file is missing.")
        if start.sequence > 0 and (not found or found[0].mac != start.mac):
            raise self._cut(f"the record {start.sequence} is missing or was changed.")
        last = start
        for row in found[1:] if start.sequence > 0 else found:
            if row.sequence != last.sequence + 1 or row.previous_mac != last.mac or not is_genuine(self._key, row):
                raise self._cut(f"the record {row.sequence} was not written by this project.")
            last = Anchor(row.sequence, row.mac)
        return last if anchor is not None else begin_anchor(self._anchor, self._key)

    def _cut(self, fault: str) -> IntegrityError:
        return IntegrityError(fault, element="audit record", remedy="Run `allotment audit verify`.")

    @contextmanager
    def _transaction(self) -> Iterator[Connection[tuple[Any, ...]]]:
        """One append at a time: first in this process, then in the database."""
        with self._mutex:
            connection = self._locked_connection()
            try:
                yield connection
                connection.commit()
            except psycopg.Error as error:
                _close_all(self._open)
                raise _not_written(error) from error
            except BaseException:
                connection.rollback()
                raise

    def _locked_connection(self) -> Connection[tuple[Any, ...]]:
        for connection in self._open:
            try:
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            except psycopg.Error:  # the server was restarted since; a new connection takes its place
                break
            return connection
        _close_all(self._open)
        connection = _connect(self._dsn)
        self._open.append(connection)
        try:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        except psycopg.Error as error:
            _close_all(self._open)
            raise _not_written(error) from error
        return connection


def _connect(dsn: str) -> Connection[tuple[Any, ...]]:
    try:
        return psycopg.connect(dsn, connect_timeout=10)
    except psycopg.Error as error:
        raise _not_written(error) from error


def _close_all(connections: list[Connection[tuple[Any, ...]]]) -> None:
    while connections:
        connections.pop().close()


def _not_written(error: psycopg.Error) -> DatabaseUnavailable:
    first = (str(error).strip().splitlines() or ["no answer"])[0]
    return DatabaseUnavailable(
        f"the audit record cannot be reached ({first}).",
        element="audit record",
        remedy="See that the database runs, then run `allotment database provision`.",
    )
