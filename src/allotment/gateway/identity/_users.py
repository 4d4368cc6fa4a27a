"""``UserStore``: users, their sessions and their API keys, kept in PostgreSQL.

Every look-up goes to the database, so that a changed role, a disabled user, or a revoked session or key
counts from the next request on, in every process.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from psycopg.types.json import Jsonb

from allotment.access import Claims, ClaimValue, Principal, claims_of
from allotment.errors import ProjectError
from allotment.gateway.identity._passwords import (
    clean_name,
    hash_password,
    needs_rehash,
    require_name,
    require_password,
    verify_password,
)
from allotment.gateway.identity._tries import LoginTries
from allotment.gateway.storage._database import Database
from allotment.gateway.storage._schema import migrate

SESSION_IDLE_H = 8
SESSION_LIFE_H = 24
KEY_PREFIX = "al-"

_LIVE_SESSION = f"""
SELECT u.name, u.role, u.claims, s.seen_at < now() - interval '1 minute' FROM gateway.sessions s
JOIN gateway.users u ON u.name = s.user_name
WHERE s.token_hash = %s AND NOT u.disabled
  AND s.seen_at > now() - interval '{SESSION_IDLE_H} h' AND s.created_at > now() - interval '{SESSION_LIFE_H} h'
"""  # noqa: S608 - constants only


@dataclass(frozen=True)
class UserRecord:
    """A user as an administrator sees him."""

    name: str
    role: str
    disabled: bool
    created_at: datetime


@dataclass(frozen=True)
class KeyRecord:
    """An API key as it can be listed; the key itself is shown once, when it is made."""

    id: int
    start: str
    """Its first characters, to tell keys apart."""
    created_at: datetime
    revoked: bool


class UserStore:
    """Users, sessions and keys in schema ``gateway`` of the database ``dsn`` names.

    Every method raises ``DatabaseUnavailable`` when the database does not answer.
    """

    def __init__(self, dsn: str) -> None:
        self._database = Database(dsn)
        self._tries = LoginTries(self._database)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give all connections back."""
        self._database.close()

    def migrate(self, admin_dsn: str) -> None:
        """Make the tables that are not there yet and grant the store's own login role what it needs."""
        migrate(admin_dsn, self._database.login)

    # -- users ---------------------------------------------------------------------------------

    def add(self, name: str, role: str, password: str) -> None:
        """Add a user.

        Raises:
            ProjectError: the name is no name or taken, or the password breaks a rule.
        """
        user = require_name(name)
        require_password(user, password)
        added = self._database.run(
            "INSERT INTO gateway.users (name, role, password_hash) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (user, role, hash_password(password)),
        )
        if not added:
            raise ProjectError("there is a user of this name already.", element=user, remedy="Choose another name.")

    def users(self) -> tuple[UserRecord, ...]:
        """All users by name."""
        rows = self._database.rows("SELECT name, role, disabled, created_at FROM gateway.users ORDER BY name")
        return tuple(UserRecord(*row) for row in rows)

    def role_of(self, name: str) -> str | None:
        """The role of an enabled user; none if there is no such user or it is disabled."""
        row = self._database.row("SELECT role FROM gateway.users WHERE name = %s AND NOT disabled", (clean_name(name),))
        return str(row[0]) if row else None

    def set_role(self, name: str, role: str) -> None:
        """Give a user another role; it counts from the user's next request."""
        self._change(name, "UPDATE gateway.users SET role = %s WHERE name = %s", role)

    def kept_claims(self, name: str) -> Claims:
        """What is kept of a user besides his role; row filters that say ``user.CLAIM`` compare columns with it."""
        row = self._database.row("SELECT claims FROM gateway.users WHERE name = %s", (clean_name(name),))
        return claims_of(row[0]) if row else ()

    def set_claims(self, name: str, claims: Mapping[str, ClaimValue | tuple[ClaimValue, ...]]) -> None:
        """Keep these claims of a user in place of all before; they count from the user's next request."""
        self._change(name, "UPDATE gateway.users SET claims = %s WHERE name = %s", Jsonb(dict(claims)))

    def set_password(self, name: str, password: str) -> None:
        """Set a new password and end the user's sessions."""
        require_password(require_name(name), password)
        self._change(name, "UPDATE gateway.users SET password_hash = %s WHERE name = %s", hash_password(password))
        self.end_sessions(name)

    def disable(self, name: str, *, disabled: bool = True) -> None:
        """Shut a user out (or let him in again); his sessions and keys stop working at once."""
        self._change(name, "UPDATE gateway.users SET disabled = %s WHERE name = %s", disabled)

    # -- login ---------------------------------------------------------------------------------

    def authenticate(self, name: str, password: str) -> Principal | None:
        """The user this name and password belong to, else none.

        After five wrong tries in a row the name is locked for a minute. An unknown name
        takes as long, counts the same and locks the same as a known one.
        """
        user = clean_name(name)
        if user is None:
            verify_password(None, password)
            return None
        # The try is counted before the password is looked at, so that tries sent at once count too.
        if not self._tries.may_try(user):
            return None
        row = self._database.row(
            "SELECT role, password_hash, claims FROM gateway.users WHERE name = %s AND NOT disabled", (user,)
        )
        if not verify_password(row[1] if row else None, password) or row is None:
            return None
        self._tries.forget(user)
        if needs_rehash(row[1]):
            self._change(user, "UPDATE gateway.users SET password_hash = %s WHERE name = %s", hash_password(password))
        return Principal(user, row[0], claims_of(row[2]))

    def locked_for(self, name: str) -> int:
        """Seconds until this name may be tried again; 0 if it may now."""
        return self._tries.locked_for(clean_name(name))

    # -- sessions ------------------------------------------------------------------------------

    def start_session(self, user: str) -> str:
        """A new session of ``user``; returns its token (256 random bits), of which only the hash is kept."""
        token = secrets.token_urlsafe(32)
        self._database.run(
            "DELETE FROM gateway.sessions WHERE created_at < now() - make_interval(hours => %s)", (SESSION_LIFE_H,)
        )
        self._database.run(
            "INSERT INTO gateway.sessions (token_hash, user_name) VALUES (%s, %s)", (_digest(token), user)
        )
        return token

    def principal_of_session(self, token: str) -> Principal | None:
        """Whose session this is, with the role of this moment; none if expired, ended or never there."""
        row = self._database.row(_LIVE_SESSION, (_digest(token),))
        if row is None:
            return None
        if row[3]:  # one write a minute is enough to know that the session is in use
            self._database.run("UPDATE gateway.sessions SET seen_at = now() WHERE token_hash = %s", (_digest(token),))
        return Principal(row[0], row[1], claims_of(row[2]))

    def end_session(self, token: str) -> None:
        """End one session; ending one that is not there is no error."""
        self._database.run("DELETE FROM gateway.sessions WHERE token_hash = %s", (_digest(token),))

    def end_sessions(self, user: str) -> int:
        """End all sessions of a user; returns how many there were."""
        return self._database.run("DELETE FROM gateway.sessions WHERE user_name = %s", (clean_name(user),))

    # -- keys ----------------------------------------------------------------------------------

    def create_key(self, user: str) -> str:
        """A new API key of ``user``; this is the only time it is seen.

        Raises:
            ProjectError: there is no such user, or it is disabled.
        """
        name = require_name(user)
        if self.role_of(name) is None:
            raise _no_user(name)
        key = KEY_PREFIX + secrets.token_urlsafe(32)
        self._database.run(
            "INSERT INTO gateway.api_keys (key_hash, start, user_name) VALUES (%s, %s, %s)",
            (_digest(key), key[:8], name),
        )
        return key

    def keys(self, user: str) -> tuple[KeyRecord, ...]:
        """A user's keys, oldest first."""
        statement = (
            "SELECT id, start, created_at, revoked_at IS NOT NULL FROM gateway.api_keys"
            " WHERE user_name = %s ORDER BY id"
        )
        return tuple(KeyRecord(*row) for row in self._database.rows(statement, (clean_name(user),)))

    def revoke_key(self, key_id: int) -> bool:
        """Revoke a key by its number; returns whether it worked before."""
        statement = "UPDATE gateway.api_keys SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL"
        return self._database.run(statement, (key_id,)) == 1

    def principal_of_key(self, key: str) -> Principal | None:
        """Whose key this is, with the role of this moment; none if unknown, revoked, or the user is disabled."""
        if not key.startswith(KEY_PREFIX):
            return None
        row = self._database.row(
            "SELECT u.name, u.role, u.claims FROM gateway.api_keys k JOIN gateway.users u ON u.name = k.user_name"
            " WHERE k.key_hash = %s AND k.revoked_at IS NULL AND NOT u.disabled",
            (_digest(key),),
        )
        return Principal(row[0], row[1], claims_of(row[2])) if row else None

    def _change(self, name: str, statement: str, value: Any) -> None:
        user = require_name(name)
        if not self._database.run(statement, (value, user)):
            raise _no_user(user)


def _digest(secret: str) -> bytes:
    # A plain hash is enough for 256 random bits: there is nothing to guess.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _no_user(name: str) -> ProjectError:
    return ProjectError("there is no such user.", element=name, remedy="See `allotment users list`.")
