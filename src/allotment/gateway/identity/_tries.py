"""Counting of wrong logins, in the database so that all processes count together."""

from __future__ import annotations

from allotment.gateway.storage._database import Database

MAX_TRIES = 5
LOCK_S = 60

_TRY = f"""
INSERT INTO gateway.login_tries AS t (name, failures, last_at) VALUES (%(name)s, 1, now())
ON CONFLICT (name) DO UPDATE SET
    failures = CASE WHEN t.last_at <= now() - interval '{LOCK_S} s' THEN 1 ELSE t.failures + 1 END,
    last_at = CASE WHEN t.failures >= {MAX_TRIES} AND t.last_at > now() - interval '{LOCK_S} s'
              THEN t.last_at ELSE now() END
RETURNING failures
"""  # noqa: S608 - constants only

_LOCKED_FOR = f"""
SELECT ceil(extract(epoch FROM last_at + interval '{LOCK_S} s' - now()))::int FROM gateway.login_tries
WHERE name = %s AND failures >= {MAX_TRIES} AND last_at > now() - interval '{LOCK_S} s'
"""  # noqa: S608 - constants only


class LoginTries:
    """``MAX_TRIES`` tries less than ``LOCK_S`` seconds apart, then a pause of ``LOCK_S`` seconds from the last.

    A name is counted as typed, whether such a user exists or not, so that a lock tells nothing.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def may_try(self, name: str) -> bool:
        """Count a try; returns whether the password may be looked at."""
        self._database.run("DELETE FROM gateway.login_tries WHERE last_at < now() - interval '1 hour'")
        row = self._database.row(_TRY, {"name": name})
        return row is not None and int(row[0]) <= MAX_TRIES

    def forget(self, name: str) -> None:
        """A right password starts the count again."""
        self._database.run("DELETE FROM gateway.login_tries WHERE name = %s", (name,))

    def locked_for(self, name: str | None) -> int:
        """Seconds until ``name`` may be tried again; 0 if it may now."""
        row = self._database.row(_LOCKED_FOR, (name,))
        return int(row[0]) if row else 0
