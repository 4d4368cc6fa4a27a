"""Group commit: one thread writes what all others of the process want written, as much as has come together at once.

A batch is one turn at the advisory lock, one transaction, one commit and one write of the anchor. Nobody waits for a
batch to fill: while one is being written, the next one gathers. The anchor is flushed to the disk when nobody waits,
and at least once a second.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import astuple, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from allotment.audit._anchor import Anchor, advance_anchor, flush_anchor
from allotment.audit._chain import COLUMNS, Row, row_mac
from allotment.audit._connect import connect_to_append, unavailable
from allotment.audit._end import End
from allotment.databases import WATCHDOG
from allotment.errors import AllotmentError, DatabaseUnavailable

Clock = Callable[[], datetime]
"""Tells the time; with a zone."""
MOST_AT_ONCE = 500
"""Records of one batch."""
FLUSH_S = 1.0
"""Seconds after which the anchor is flushed although records wait."""
BATCH_S = 5.0
"""Seconds a batch may take before it is cancelled, and soon after its connection cut: the database hangs."""
PATIENCE_S = 10.0
"""Seconds a caller waits for his record; what is not written by then is not going to be."""
_INSERT = (
    f"INSERT INTO audit.record ({COLUMNS})"  # noqa: S608 - constant
    " SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::text[], %s::text[])"
)


@dataclass(eq=False)
class _Wanted:
    """One event somebody waits for."""

    event: str
    row: Future[Row] = field(default_factory=Future)


class Writer:
    """The one of this process who writes. Its thread starts with the first record and ends with ``close``."""

    def __init__(self, dsn: str, key: str, anchor_file: Path, clock: Clock) -> None:
        self._dsn = dsn
        self._key = key
        self._clock = clock
        self._file = anchor_file
        self._end = End(key, anchor_file)
        self._changed = threading.Condition()
        self._wanted: deque[_Wanted] = deque()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._connection: Connection[tuple[Any, ...]] | None = None
        self._flushed_at = time.monotonic()

    def write(self, event: str) -> Row:
        """Write one event, beside whatever others want written; it is durable when this returns.

        Raises:
            AllotmentError: it, and every other of its batch, was not written as far as can be known.
        """
        wanted = _Wanted(event)
        with self._changed:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
                thread.start()
                self._thread = thread
            self._wanted.append(wanted)
            self._changed.notify()
        try:
            return wanted.row.result(PATIENCE_S)
        except TimeoutError:
            wanted.row.cancel()
            raise DatabaseUnavailable(
                f"the audit record was not written within {PATIENCE_S:.0f} seconds.",
                element="audit record",
                remedy="See that the database runs and is not overloaded.",
            ) from None

    def close(self) -> None:
        """Write what is wanted, then end the thread and its connection; the next ``write`` begins again."""
        with self._changed:
            thread, self._closing = self._thread, self._thread is not None
            self._changed.notify()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _run(self) -> None:
        while batch := self._next():
            try:
                rows = self._written(batch)
            except BaseException as error:
                for wanted in batch:
                    wanted.row.set_exception(error)
            else:
                for wanted, row in zip(batch, rows, strict=True):
                    wanted.row.set_result(row)
                self._flush()

    def _flush(self) -> None:
        if not self._wanted or time.monotonic() - self._flushed_at > FLUSH_S:
            with suppress(AllotmentError):  # the next record is told
                flush_anchor(self._file)
            self._flushed_at = time.monotonic()

    def _next(self) -> list[_Wanted]:
        """What is wanted now; nothing when the thread is to end."""
        with self._changed:
            while True:
                batch: list[_Wanted] = []
                while self._wanted and len(batch) < MOST_AT_ONCE:
                    wanted = self._wanted.popleft()
                    if wanted.row.set_running_or_notify_cancel():
                        batch.append(wanted)
                if batch:
                    return batch
                if self._closing:
                    self._disconnect()
                    self._closing, self._thread = False, None
                    return []
                self._changed.wait()

    def _written(self, batch: Sequence[_Wanted]) -> list[Row]:
        rows = self._committed(batch)
        last = Anchor(rows[-1].sequence, rows[-1].mac)
        self._end.note(last)
        # After the commit: the anchor may lag behind the record, and is never ahead of it.
        advance_anchor(self._file, self._key, last)
        return rows

    def _committed(self, batch: Sequence[_Wanted]) -> list[Row]:
        try:
            connection, last = self._turn()
            with WATCHDOG.over(connection, BATCH_S), connection.pipeline():
                rows = self._chained(batch, last)
                connection.execute(_INSERT, [list(column) for column in zip(*map(astuple, rows), strict=True)])
                connection.commit()
            return rows
        except psycopg.Error as error:
            self._disconnect()
            raise unavailable(error) from error
        except BaseException:
            self._disconnect()
            raise

    def _turn(self) -> tuple[Connection[tuple[Any, ...]], Anchor]:
        """A connection whose turn it is, and the record's end. One the server dropped since is replaced, once."""
        if self._connection is not None:
            with WATCHDOG.over(self._connection, BATCH_S) as watch:
                try:
                    return self._connection, self._end.locked(self._connection)
                except psycopg.OperationalError:
                    if watch.ended or not self._connection.broken:
                        raise
            self._disconnect()
        self._connection = connect_to_append(self._dsn)
        with WATCHDOG.over(self._connection, BATCH_S):
            return self._connection, self._end.locked(self._connection)

    def _chained(self, batch: Sequence[_Wanted], last: Anchor) -> list[Row]:
        rows: list[Row] = []
        sequence, mac = last.sequence, last.mac
        for wanted in batch:
            at, previous = self._clock(), mac
            sequence += 1
            mac = row_mac(self._key, sequence, at, wanted.event, previous)
            rows.append(Row(sequence, at, wanted.event, previous, mac))
        return rows

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
