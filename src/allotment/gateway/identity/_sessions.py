"""Sessions: a new token at each login, looked up anew at each request, over when idle, old or ended."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from allotment.access import Principal, claims_of
from allotment.gateway.identity._passwords import clean_name
from allotment.gateway.identity._store import USER_FAULT, Presented, Store, digest, no_user

SESSION_FAULT = f"""CASE
    WHEN s.ended_at IS NOT NULL THEN 'it was ended'
    {USER_FAULT}
    WHEN s.created_at <= now() - %(life_h)s * interval '1 hour' THEN 'it is too old'
    WHEN s.seen_at <= now() - %(idle_h)s * interval '1 hour' THEN 'it was idle too long'
    ELSE '' END"""

# One write a minute is enough to know that a session is in use, and it costs no round trip of its own.
_FIND = f"""
WITH found AS (
    SELECT s.token_hash, s.seen_at, u.name, u.role, u.claims, {SESSION_FAULT} AS fault
    FROM gateway.sessions s JOIN gateway.users u ON u.name = s.user_name WHERE s.token_hash = %(digest)s
), seen AS (
    UPDATE gateway.sessions s SET seen_at = now() FROM found f
    WHERE s.token_hash = f.token_hash AND f.fault = '' AND f.seen_at < now() - interval '1 minute'
)
SELECT name, role, claims, fault FROM found
"""  # noqa: S608 - constants only

_LIST = f"""
SELECT s.id, s.created_at, s.seen_at, s.address, s.browser, s.token_hash = %(digest)s
FROM gateway.sessions s JOIN gateway.users u ON u.name = s.user_name
WHERE s.user_name = %(user)s AND {SESSION_FAULT} = '' ORDER BY s.id
"""  # noqa: S608 - constants only

_START = """
WITH user_ AS (UPDATE gateway.users SET last_login_at = now() WHERE name = %(user)s RETURNING name),
old AS (DELETE FROM gateway.sessions WHERE created_at < now() - %(life_h)s * interval '1 hour')
INSERT INTO gateway.sessions (token_hash, user_name, address, browser)
SELECT %(digest)s, name, %(address)s, %(browser)s FROM user_
"""


@dataclass(frozen=True)
class SessionRecord:
    """A live session as it can be listed."""

    id: int
    created_at: datetime
    seen_at: datetime
    """Its last request, to the minute."""
    address: str = ""
    """Where it was begun; empty where that is not known."""
    browser: str = ""
    """What it was begun with, as ``browser_of`` says it; empty where that is not known."""
    is_this: bool = False
    """Whether it is the session of whoever looks."""


class Sessions(Store):
    """The sessions of users."""

    def start_session(self, user: str, address: str | None = None, browser: str = "") -> str:
        """Begin a session of ``user``, from an address with a browser; its token is given out once, kept as a hash.

        Raises:
            ProjectError: there is no such user.
        """
        token = secrets.token_urlsafe(32)
        name = clean_name(user)
        begun = {"user": name, "digest": digest(token), "address": address or "", "browser": browser}
        if not self._database.run(_START, {**self._limits, **begun}):
            raise no_user(user)
        return token

    def find_session(self, token: str) -> Presented | None:
        """Whose session this is, and whether it is good; none if it was never there."""
        row = self._database.row(_FIND, {**self._limits, "digest": digest(token)})
        return Presented(Principal(row[0], row[1], claims_of(row[2])), row[3]) if row else None

    def principal_of_session(self, token: str) -> Principal | None:
        """Whose session this is, with the role of this moment; none if expired, ended or never there."""
        found = self.find_session(token)
        return found.principal if found and not found.fault else None

    def sessions(self, user: str, token: str = "") -> tuple[SessionRecord, ...]:
        """A user's live sessions, oldest first; ``token`` is that of whoever looks."""
        rows = self._database.rows(_LIST, {**self._limits, "user": clean_name(user), "digest": digest(token)})
        return tuple(SessionRecord(*row) for row in rows)

    def end_session(self, token: str) -> None:
        """End one session; ending one that is not there is no error."""
        statement = "UPDATE gateway.sessions SET ended_at = now() WHERE token_hash = %s AND ended_at IS NULL"
        self._database.run(statement, (digest(token),))

    def end_session_of(self, user: str, number: int) -> bool:
        """End the session of this number, if it is this user's; returns whether it was live."""
        statement = "UPDATE gateway.sessions SET ended_at = now() WHERE id = %s AND user_name = %s AND ended_at IS NULL"
        return self._database.run(statement, (number, clean_name(user))) == 1

    def end_other_sessions(self, user: str, token: str) -> int:
        """End all sessions of a user but that of this token; returns how many there were."""
        statement = (
            "UPDATE gateway.sessions SET ended_at = now()"
            " WHERE user_name = %s AND token_hash <> %s AND ended_at IS NULL"
        )
        return self._database.run(statement, (clean_name(user), digest(token)))

    def end_sessions(self, user: str) -> int:
        """End all sessions of a user; returns how many there were."""
        statement = "UPDATE gateway.sessions SET ended_at = now() WHERE user_name = %s AND ended_at IS NULL"
        return self._database.run(statement, (clean_name(user),))
