"""The end of the record: found again from the last place known to be right, and never built upon unless it is whole."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psycopg import Connection

from allotment.audit._anchor import Anchor, begin_anchor, read_anchor
from allotment.audit._chain import COLUMNS, Row, follows, loaded
from allotment.audit._checkpoint import CHECKPOINT, Checkpoint, checked
from allotment.errors import IntegrityError

LOCK = 4712039955
"""Number of the advisory lock appends take one after the other; any fixed number."""
AT_ONCE = 1_000
"""Records looked at in one query."""
_ROWS = f"SELECT {COLUMNS} FROM audit.record WHERE sequence >= %s ORDER BY sequence LIMIT %s"  # noqa: S608


class End:
    """Knows the last record: by the anchor's file, and better by what this process wrote or saw itself."""

    def __init__(self, key: str, anchor_file: Path) -> None:
        self._key = key
        self._file = anchor_file
        self._known: Anchor | None = None

    def locked(self, connection: Connection[tuple[Any, ...]]) -> Anchor:
        """Take the turn of all who append, which lasts as long as the transaction; the last record.

        A long way there is gone without the lock, so that nobody waits for it.

        Raises:
            IntegrityError: a record is missing, or was not written by this project, or the anchor was not.
        """
        while True:
            last, reached = self._look(connection, lock=True)
            if reached:
                return last
            connection.rollback()
            while not reached:
                last, reached = self._look(connection, lock=False)
            connection.rollback()

    def note(self, written: Anchor) -> None:
        """Remember what was written and is durable."""
        self._known = written

    def _look(self, connection: Connection[tuple[Any, ...]], *, lock: bool) -> tuple[Anchor, bool]:
        """The last record of the next thousand, and whether it is the last of all."""
        known = self._furthest()
        with connection.pipeline(), connection.cursor() as rows, connection.cursor() as checkpoint:
            if lock:
                connection.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            # In this order: what is pruned between the two is then in both.
            rows.execute(_ROWS, [known.sequence if known else 0, AT_ONCE])
            checkpoint.execute(CHECKPOINT)
            found = [loaded(row) for row in rows.fetchall()]
            begins = checked(checkpoint.fetchall(), self._key)
        last = self._walked(known, begins, found)
        if known is None:
            begin_anchor(self._file, self._key)
        self.note(last)
        return last, len(found) < AT_ONCE

    def _walked(self, known: Anchor | None, begins: Checkpoint, found: Sequence[Row]) -> Anchor:
        if known is None and (found or begins.sequence):
            raise _cut("its anchor file is missing.")
        last = known or Anchor(0, begins.mac)
        if last.sequence == begins.sequence and last.mac != begins.mac:
            raise _cut("its removed beginning is not what the anchor knows.")
        if last.sequence > begins.sequence and not (
            found and (found[0].sequence, found[0].mac) == (last.sequence, last.mac)
        ):
            raise _cut(f"the record {last.sequence} is missing or was changed.")
        if last.sequence < begins.sequence:
            last = Anchor(begins.sequence, begins.mac)
        for row in found:
            if row.sequence > last.sequence:
                if not follows(self._key, row, last.sequence, last.mac):
                    raise _cut(f"the record {row.sequence} was not written by this project.")
                last = Anchor(row.sequence, row.mac)
        return last

    def _furthest(self) -> Anchor | None:
        """The file is read each time: one that is taken away or exchanged while the gateway runs stops it."""
        filed = read_anchor(self._file, self._key)
        if filed is None and self._known is not None and self._known.sequence > 0:
            raise _cut("its anchor file is missing.")
        if filed is None or self._known is None:
            return filed
        return max(filed, self._known, key=lambda anchor: anchor.sequence)


def _cut(fault: str) -> IntegrityError:
    return IntegrityError(fault, element="audit record", remedy="Run `allotment audit verify`.")
