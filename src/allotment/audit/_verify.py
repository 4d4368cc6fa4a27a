"""Walks the whole record and names the first place that is not as it was written, and how."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection

from allotment.audit._anchor import Anchor, read_anchor
from allotment.audit._chain import COLUMNS, Row, event_of, follows, loaded
from allotment.audit._checkpoint import BEGINNING, CHECKPOINT, checked
from allotment.audit._diagnose import Problem, diagnose
from allotment.errors import IntegrityError

AT_ONCE = 500
"""Records fetched together, and between two reports of progress."""

Progress = Callable[[str, int, int], None]
"""Called with a label, how many records were looked at, and how many there are."""


@dataclass(frozen=True)
class VerifyReport:
    """What the walk found."""

    ok: bool
    records: int
    """Records found good before the first problem."""
    problem: Problem | None
    removed: int = 0
    """Records before them that were removed because of their age, which is on record."""


class NotWholeError(Exception):
    """Ends a walk at the first problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.detail)


class Walk:
    """One walk from the first record to the last, in constant memory, held against checkpoint and anchor."""

    def __init__(
        self, connection: Connection[tuple[Any, ...]], key: str, anchor_file: Path, progress: Progress | None = None
    ) -> None:
        self._connection = connection
        self._key = key
        self._file = anchor_file
        self._progress = progress
        self._begins = BEGINNING
        self._last = Anchor(0, BEGINNING.mac)

    def rows(self) -> Generator[Row]:
        """Every record, each found good before it is given.

        Raises:
            NotWholeError: at the first place that is not as it was written, or at the end where a tail is missing.
        """
        # The anchor is read before the snapshot is taken: what is appended meanwhile can only be more.
        anchor = self._anchor()
        self._begin(anchor)
        total = self._total()
        with self._connection.cursor(name="audit_walk") as cursor:
            cursor.itersize = AT_ONCE
            cursor.execute(f"SELECT {COLUMNS} FROM audit.record ORDER BY sequence")  # noqa: S608 - constant
            for columns in cursor:
                row = loaded(columns)
                self._look_at(row, anchor)
                yield row
                if self._progress and row.sequence % AT_ONCE == 0:
                    self._progress("records", self.good, max(total, self.good))
        self._finish(anchor)
        if self._progress:
            self._progress("records", self.good, self.good)

    @property
    def good(self) -> int:
        """Records found good so far."""
        return self._last.sequence - self._begins.sequence

    def report(self, problem: Problem | None) -> VerifyReport:
        """What was found up to here."""
        return VerifyReport(problem is None, self.good, problem, self._begins.sequence)

    def _anchor(self) -> Anchor | None:
        try:
            return read_anchor(self._file, self._key)
        except IntegrityError as error:
            raise NotWholeError(Problem("anchor", 0, error.message)) from None

    def _begin(self, anchor: Anchor | None) -> None:
        try:
            self._begins = checked(self._connection.execute(CHECKPOINT).fetchall(), self._key)
        except IntegrityError as error:
            raise NotWholeError(Problem("checkpoint", 0, error.message)) from None
        self._last = Anchor(self._begins.sequence, self._begins.mac)
        if anchor is not None and anchor.sequence == self._last.sequence and anchor.mac != self._last.mac:
            raise NotWholeError(Problem("anchor", anchor.sequence, "the anchor knows another record of this number"))

    def _total(self) -> int:
        found = self._connection.execute("SELECT max(sequence) FROM audit.record").fetchone()
        last = found[0] if found and isinstance(found[0], int) else 0
        return max(0, last - self._begins.sequence)

    def _look_at(self, row: Row, anchor: Anchor | None) -> None:
        last = self._last
        if not follows(self._key, row, last.sequence, last.mac):
            raise NotWholeError(diagnose(self._connection, self._key, row, last.sequence + 1, anchor))
        if anchor is not None and anchor.sequence == row.sequence and anchor.mac != row.mac:
            raise NotWholeError(Problem("anchor", row.sequence, "the anchor knows another record of this number"))
        if row.sequence == self._begins.record and not self._begins.is_told_by(event_of(row)):
            raise NotWholeError(Problem("checkpoint", row.sequence, "the record does not tell of what was removed"))
        self._last = Anchor(row.sequence, row.mac)

    def _finish(self, anchor: Anchor | None) -> None:
        good = self._last.sequence
        if anchor is None:
            if good:
                raise NotWholeError(Problem("anchor", good, "the anchor file is missing"))
        elif anchor.sequence > good:
            detail = f"the anchor knows {anchor.sequence} records, the last one found is {good}"
            raise NotWholeError(Problem("truncated", good + 1, detail))
        if self._begins.record > good:
            raise NotWholeError(Problem("truncated", good + 1, "the record that tells of what was removed is missing"))


def verify_chain(walk: Walk) -> VerifyReport:
    """Walk to the end, or to the first problem."""
    try:
        for _ in walk.rows():
            pass
    except NotWholeError as error:
        return walk.report(error.problem)
    return walk.report(None)
