"""The audit record: append-only by the database's rights, tamper-evident by its chain.

Appends of all threads, processes and machines go one batch after the other through one lock in the database, so there
is one chain whoever writes.
"""

from __future__ import annotations

import weakref
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

from allotment.audit._anchor import begin_anchor, read_anchor
from allotment.audit._bounds import bounded
from allotment.audit._chain import COLUMNS, Row, canonical, event_of, is_genuine, loaded
from allotment.audit._connect import connect, snapshot
from allotment.audit._end import LOCK
from allotment.audit._filter import Filter
from allotment.audit._prune import Pruned, cutoff, old_beginning, remove
from allotment.audit._questions import Questions
from allotment.audit._search import rows_of
from allotment.audit._verify import NotWholeError, Progress, VerifyReport, Walk, verify_chain
from allotment.audit._writer import Clock, Writer
from allotment.databases import migrate_schema
from allotment.errors import IntegrityError
from allotment.project import Project
from allotment.workspace import Workspace

_KEY = "audit.key"
_QUESTION_KEY = "questions.key"
"""Another key than the chain's: one who may verify the record need not be able to try what was asked."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class AuditRecord:
    """One record: its number from 1, when it was written, what it says, and its MAC."""

    sequence: int
    at: datetime
    event: dict[str, Any]
    mac: str


class AuditLog:
    """The record of one project. Thread-safe.

    Args:
        dsn: the application's login, which may read and add records and nothing else.
        key: secret of the chain; never in the database.
        anchor: file that knows the last record, outside the database.
        questions: how much of a question is written; its words by default.
        clock: tells the time of records.
    """

    def __init__(
        self, dsn: str, key: str, anchor: Path, questions: Questions | None = None, *, clock: Clock = _now
    ) -> None:
        self._dsn = dsn
        self._key = key
        self._anchor = anchor
        self._questions = questions or Questions()
        self._clock = clock
        self._writer = Writer(dsn, key, anchor, clock)
        weakref.finalize(self, self._writer.close)

    @classmethod
    def of(cls, project: Project, workspace: Workspace, dsn: str) -> Self:
        """The record of a project, kept as its ``allotment.yaml`` says.

        Raises:
            IntegrityError: the key is lost, though there is a record made with it.
        """
        key_file = workspace.secret_file(_KEY)
        if workspace.audit_anchor.exists() and not key_file.exists():
            raise IntegrityError(
                "the key of the audit record is lost.",
                element=str(key_file),
                remedy="Restore it from a backup: with another key nothing can be verified or added.",
            )
        kept = project.audit.questions
        questions = Questions(kept, workspace.secret(_QUESTION_KEY) if kept == "hashed" else "")
        return cls(dsn, workspace.secret(_KEY), workspace.audit_anchor, questions)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what is under way and close the connection; the next call opens another."""
        self._writer.close()

    def migrate(self, admin_dsn: str, role: str | None = None) -> None:
        """Make the tables, owned by the administrator; ``role`` (default: that of ``dsn``) may read and add only.

        Raises:
            DatabaseUnavailable: the database does not answer or the administrator's login is refused.
        """
        name = role or psycopg.conninfo.conninfo_to_dict(self._dsn).get("user")
        identifier = psycopg.sql.Identifier(str(name))
        migrate_schema(admin_dsn, "audit", Path(__file__).parent / "migrations")
        with connect(admin_dsn) as admin:
            admin.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            admin.execute(psycopg.sql.SQL("REVOKE ALL ON audit.record, audit.checkpoint FROM {}").format(identifier))
            admin.execute(psycopg.sql.SQL("GRANT USAGE ON SCHEMA audit TO {}").format(identifier))
            admin.execute(psycopg.sql.SQL("GRANT SELECT, INSERT ON audit.record TO {}").format(identifier))
            admin.execute(psycopg.sql.SQL("GRANT SELECT ON audit.checkpoint TO {}").format(identifier))
            found = admin.execute("SELECT FROM audit.record LIMIT 1").rowcount
            found += admin.execute("SELECT FROM audit.checkpoint LIMIT 1").rowcount
            if not found and read_anchor(self._anchor, self._key) is None:
                begin_anchor(self._anchor, self._key)

    def append(self, event: Mapping[str, Any]) -> AuditRecord:
        """Write one event; it is on the disk when this returns. Many at once share what that costs.

        Of a question no more is written than the project wants; values are bounded, and what is cut is marked.

        Raises:
            DatabaseUnavailable: it could not be written, or not within ten seconds.
            IntegrityError: the record's end is not what the anchor knows; nothing is written.
            StorageError: the anchor's disk is full; the record may be there, but what it is about must not happen.
        """
        row = self._writer.write(canonical(bounded(self._questions.applied(event))))
        return AuditRecord(row.sequence, row.at, event_of(row), row.mac)

    def verify(self, progress: Progress | None = None) -> VerifyReport:
        """Walk the whole record; the report names the first place that is not as it was written.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        with self._walk(progress) as walk:
            return verify_chain(walk)

    def walk(self, wanted: Filter | None = None, progress: Progress | None = None) -> Generator[AuditRecord]:
        """The records that are wanted, oldest first, in constant memory; every record is checked on the way.

        Raises:
            DatabaseUnavailable: the database does not answer.
            IntegrityError: at the first place that is not as it was written; what was given before is.
        """
        wanted = self._sought(wanted or Filter())
        with self._walk(progress) as walk, closing(_whole(walk)) as rows:
            for row in rows:
                record = AuditRecord(row.sequence, row.at, event_of(row), row.mac)
                if wanted.takes(record.at, record.event):
                    yield record

    def records(
        self, limit: int = 100, wanted: Filter | None = None, *, before: int | None = None
    ) -> list[AuditRecord]:
        """The newest records that are wanted, newest first; with ``before``, those with a smaller number.

        Raises:
            DatabaseUnavailable: the database does not answer.
            IntegrityError: one of them is not what was written.
        """
        wanted = self._sought(wanted or Filter())
        found: list[AuditRecord] = []
        with snapshot(self._dsn) as connection:
            for row in rows_of(connection, wanted, before):
                if not is_genuine(self._key, row):
                    raise _not_whole(row.sequence, "the record is not what was written")
                event = event_of(row)
                if wanted.takes(row.at, event):
                    found.append(AuditRecord(row.sequence, row.at, event, row.mac))
                if len(found) >= limit:
                    break
        return found

    def find(self, sequences: Collection[int]) -> dict[int, AuditRecord]:
        """Records by their numbers; numbers nobody has are left out. Errors as ``records``."""
        with snapshot(self._dsn) as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM audit.record WHERE sequence = ANY(%s)".encode(),  # noqa: S608
                [list(sequences)],
            ).fetchall()
        found: dict[int, AuditRecord] = {}
        for row in map(loaded, rows):
            if not is_genuine(self._key, row):
                raise _not_whole(row.sequence, "the record is not what was written")
            found[row.sequence] = AuditRecord(row.sequence, row.at, event_of(row), row.mac)
        return found

    def prune(self, admin_dsn: str, keep_days: int, progress: Progress | None = None) -> Pruned:
        """Remove the records before the first one that is younger than ``keep_days``; it is on record.

        Raises:
            DatabaseUnavailable: the database does not answer or the administrator's login is refused.
            IntegrityError: the record is not whole; nothing is removed.
        """
        before = cutoff(admin_dsn, self._clock(), keep_days)
        with self._walk(progress) as walk, closing(_whole(walk)) as rows:
            found = old_beginning(rows, before)
        if found is None:
            return Pruned(0)
        detail = {"keep_days": keep_days, "before": before.isoformat()}
        who = {"user": "", "role": "", "kind": "pruned"}
        return remove(
            admin_dsn, self._key, *found, lambda told: self.append({**who, "detail": {**detail, **told}}).sequence
        )

    @contextmanager
    def _walk(self, progress: Progress | None) -> Iterator[Walk]:
        # A connection of its own: a long walk must not hold up appends.
        with snapshot(self._dsn) as connection:
            yield Walk(connection, self._key, self._anchor, progress)

    def _sought(self, wanted: Filter) -> Filter:
        """``wanted`` as events have it, where a question's words are not what is written."""
        if wanted.question is None:
            return wanted
        event = bounded(self._questions.applied({"question": wanted.question}))
        return replace(wanted, question=event["question"] or "")


def _whole(walk: Walk) -> Generator[Row]:
    try:
        yield from walk.rows()
    except NotWholeError as error:
        raise _not_whole(error.problem.sequence, error.problem.detail) from None


def _not_whole(sequence: int, detail: str) -> IntegrityError:
    return IntegrityError(f"{detail}.", element=f"audit record {sequence}", remedy="Run `allotment audit verify`.")
