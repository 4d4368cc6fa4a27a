"""Built-in users: their roles, claims and passwords, and the login with a password."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg.types.json import Jsonb

from allotment.access import Claims, ClaimValue, Principal, claims_of
from allotment.errors import ProjectError
from allotment.gateway.identity._addresses import LoginAddresses
from allotment.gateway.identity._passwords import (
    clean_name,
    hash_password,
    needs_rehash,
    require_name,
    require_password,
    verify_password,
)
from allotment.gateway.identity._store import Store
from allotment.gateway.identity._tries import LoginTries
from allotment.gateway.storage._database import Database
from allotment.project import IdentityConfig

Source = Literal["password", "oidc"]


@dataclass(frozen=True)
class UserRecord:
    """A user as an administrator sees him."""

    name: str
    role: str
    disabled: bool
    created_at: datetime
    source: Source
    """Whether he logs in with a password of his own, or with the provider."""
    last_login_at: datetime | None


class Accounts(Store):
    """The users, and who may be let in with which password."""

    def __init__(self, database: Database, settings: IdentityConfig) -> None:
        super().__init__(database, settings)
        self._tries = LoginTries(database)
        self._addresses = LoginAddresses(database)

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
        rows = self._database.rows(
            "SELECT name, role, disabled, created_at, CASE WHEN issuer IS NULL THEN 'password' ELSE 'oidc' END,"
            " last_login_at FROM gateway.users ORDER BY name"
        )
        return tuple(UserRecord(*row) for row in rows)

    def role_of(self, name: str) -> str | None:
        """The role of an enabled user; none if there is no such user or it is disabled."""
        row = self._database.row("SELECT role FROM gateway.users WHERE name = %s AND NOT disabled", (clean_name(name),))
        return str(row[0]) if row else None

    def has_password(self, name: str) -> bool:
        """Whether a user logs in with a password of his own."""
        statement = "SELECT FROM gateway.users WHERE name = %s AND password_hash IS NOT NULL"
        return self._database.row(statement, (clean_name(name),)) is not None

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
        statement = """
            WITH ended AS (
                UPDATE gateway.sessions SET ended_at = now() WHERE user_name = %(user)s AND ended_at IS NULL
            )
            UPDATE gateway.users SET password_hash = %(hash)s WHERE name = %(user)s AND issuer IS NULL
        """
        if not self._database.run(statement, {"user": clean_name(name), "hash": hash_password(password)}):
            raise ProjectError("there is no such user with a password.", element=name, remedy="See `users list`.")

    def disable(self, name: str, *, disabled: bool = True) -> None:
        """Shut a user out (or let him in again); his sessions end, and his keys stop working meanwhile."""
        self._change(name, "UPDATE gateway.users SET disabled = %s WHERE name = %s", disabled)
        self._database.run(
            "UPDATE gateway.sessions SET ended_at = now() WHERE user_name = %s AND ended_at IS NULL",
            (clean_name(name),),
        )

    def authenticate(self, name: str, password: str, address: str | None = None) -> Principal | None:
        """The user this name and password belong to, else none.

        After five wrong tries in a row the name is locked for a minute, and an address that tried many names for
        longer. An unknown name, a user without a password, a disabled one and a name that is none take the same work,
        count the same and lock the same as a known one.
        """
        user = clean_name(name) or ""
        # The try is counted before the password is looked at, so that tries sent at once count too.
        if not self._addresses.may_try(address, user) or not self._tries.may_try(user):
            return None
        row = self._database.row(
            "SELECT role, password_hash, claims FROM gateway.users WHERE name = %s AND NOT disabled", (user,)
        )
        if not verify_password(row[1] if row else None, password) or row is None:
            return None
        self._tries.forget(user)
        self._addresses.passed(address, user)
        if needs_rehash(row[1]):
            self._change(user, "UPDATE gateway.users SET password_hash = %s WHERE name = %s", hash_password(password))
        return Principal(user, row[0], claims_of(row[2]))

    def locked_for(self, name: str, address: str | None = None) -> int:
        """Seconds until ``name`` may be tried again, from ``address`` if one is given; 0 if it may now."""
        user = clean_name(name) or ""
        return max(self._tries.locked_for(user), self._addresses.paused_for(address, user))
