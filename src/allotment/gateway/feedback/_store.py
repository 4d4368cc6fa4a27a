"""``MarkStore``: the only code that touches users' marks.

Who marks sees and changes his own alone, and who reviews may read all of them: the table's row policies hold whatever
a statement says.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection

from allotment.access import Principal
from allotment.feedback import Verdict
from allotment.gateway.storage._database import Database
from allotment.project import FeedbackConfig

MOST_NOTE = 1_000
"""Characters of a note."""
_COLUMNS = "decision, id::text, user_name, role, verdict, agent, note, marked_at"

_PUT = (
    "INSERT INTO gateway.feedback AS f (decision, user_name, role, verdict, agent, note)"  # noqa: S608 - constant
    " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (decision) DO UPDATE SET role = excluded.role,"
    " verdict = excluded.verdict, agent = excluded.agent, note = excluded.note, marked_at = now(),"
    " id = CASE WHEN (f.verdict, f.agent, f.note) IS NOT DISTINCT FROM"
    " (excluded.verdict, excluded.agent, excluded.note) THEN f.id ELSE excluded.id END"
    f" RETURNING {_COLUMNS}"
)


@dataclass(frozen=True)
class Marking:
    """What a user says of one of his answers."""

    decision: int
    """Number of the audit record of the decision."""
    verdict: Verdict
    agent: str | None = None
    """Who should have answered, of ``wrong_agent`` alone."""
    note: str = ""


@dataclass(frozen=True)
class Mark:
    """A mark as it is kept. Its question stands in the audit record."""

    decision: int
    id: str
    """Another one after every change."""
    user: str
    role: str
    """The role the question was asked with."""
    verdict: Verdict
    agent: str | None
    note: str
    marked_at: datetime


class MarkStore:
    """Marks in the application's own database; every method raises ``DatabaseUnavailable`` without it."""

    def __init__(self, dsn: str, config: FeedbackConfig) -> None:
        """``dsn`` is the application's own login; the tables are there once users were migrated."""
        self._database = Database(dsn)
        self._config = config

    @property
    def per_hour(self) -> int:
        """Most marks of one user in an hour of the clock."""
        return self._config.per_hour

    def close(self) -> None:
        """Give all connections back."""
        self._database.close()

    def count(self, principal: Principal) -> tuple[int, int]:
        """Count one more try of the user: how many that are in this hour, and seconds until the next one begins."""
        row = self._database.row(
            "INSERT INTO gateway.feedback_use AS u (user_name, hour, used) VALUES (%s, date_trunc('hour', now()), 1)"
            " ON CONFLICT (user_name) DO UPDATE SET hour = excluded.hour,"
            " used = CASE WHEN u.hour = excluded.hour THEN least(u.used + 1, 1000000) ELSE 1 END"
            " RETURNING used, ceil(extract(epoch FROM hour + interval '1 hour' - now()))::integer",
            [principal.user],
        )
        return (int(row[0]), int(row[1])) if row else (self.per_hour + 1, 60)

    @contextmanager
    def put(self, principal: Principal, role: str, marking: Marking) -> Iterator[Mark]:
        """Write a mark, in the place of an earlier one of the same decision; it is kept if the body does not raise."""
        told = [marking.decision, principal.user, role, marking.verdict, marking.agent, marking.note]
        with self._of(principal) as connection:
            row = connection.execute(_PUT.encode(), told).fetchall()
            yield Mark(*row[0])

    def mine(self, principal: Principal, decision: int) -> Mark | None:
        """The user's own mark of a decision."""
        with self._of(principal) as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM gateway.feedback WHERE decision = %s AND user_name = %s".encode(),  # noqa: S608
                [decision, principal.user],
            ).fetchall()
        return Mark(*rows[0]) if rows else None

    def marks(self, limit: int) -> list[Mark]:
        """The newest marks of all users, newest first; for a review."""
        return self._reviewed("ORDER BY marked_at DESC, decision DESC LIMIT %s", limit)

    def mark(self, decision: int) -> Mark | None:
        """The mark of a decision, whosever it is; for a review."""
        return next(iter(self._reviewed("WHERE decision = %s", decision)), None)

    def forget_old(self) -> int:
        """Delete what is older than the project keeps it; returns how many marks that were."""
        row = self._database.row("SELECT gateway.forget_feedback(%s)", (self._config.days,))
        return int(row[0]) if row else 0

    def _reviewed(self, which: str, value: int) -> list[Mark]:
        with self._database.transaction() as connection:
            connection.execute("SELECT set_config('allotment.feedback_review', 'on', true)")
            statement = f"SELECT {_COLUMNS} FROM gateway.feedback {which}".encode()  # noqa: S608 - ours
            return [Mark(*row) for row in connection.execute(statement, [value]).fetchall()]

    @contextmanager
    def _of(self, principal: Principal) -> Iterator[Connection[Any]]:
        """A transaction in which the table holds this user's marks alone."""
        with self._database.transaction() as connection:
            connection.execute("SELECT set_config('allotment.feedback_of', %s, true)", [principal.user])
            yield connection
