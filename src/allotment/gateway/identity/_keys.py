"""API keys: shown once, kept as a hash, good for some agents or all, until a day."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allotment.access import Principal, claims_of
from allotment.errors import ProjectError
from allotment.gateway.identity._passwords import clean_name, require_name
from allotment.gateway.identity._store import USER_FAULT, Presented, Store, digest, no_user

KEY_PREFIX = "al-"
MAX_LABEL_LENGTH = 80

KEY_FAULT = f"""CASE
    WHEN k.revoked_at IS NOT NULL THEN 'it was revoked'
    WHEN k.expires_at <= now() THEN 'it has expired'
    {USER_FAULT}
    WHEN u.issuer IS NOT NULL AND coalesce(u.last_login_at <= now() - %(keys_days)s * interval '1 day', true)
    THEN 'the last login of its user is too long ago'
    ELSE '' END"""

_FIND = f"""
WITH found AS (
    SELECT k.id, k.last_used_at, k.agents, u.name, u.role, u.claims, {KEY_FAULT} AS fault
    FROM gateway.api_keys k JOIN gateway.users u ON u.name = k.user_name WHERE k.key_hash = %(digest)s
), used AS (
    UPDATE gateway.api_keys k SET last_used_at = now() FROM found f
    WHERE k.id = f.id AND f.fault = '' AND coalesce(f.last_used_at < now() - interval '1 minute', true)
)
SELECT name, role, claims, agents, fault FROM found
"""  # noqa: S608 - constants only

_CREATE = """
INSERT INTO gateway.api_keys (key_hash, start, user_name, label, agents, expires_at)
SELECT %s, %s, name, %s, %s, now() + %s * interval '1 day' FROM gateway.users WHERE name = %s AND NOT disabled
"""

_LIST = """
SELECT id, start, created_at, revoked_at IS NOT NULL, label, agents, expires_at, last_used_at
FROM gateway.api_keys WHERE user_name = %s ORDER BY id
"""


@dataclass(frozen=True)
class KeyRecord:
    """An API key as it can be listed; the key itself is shown once, when it is made."""

    id: int
    start: str
    """Its first characters, to tell keys apart."""
    created_at: datetime
    revoked: bool
    label: str
    agents: tuple[str, ...] | None
    """The agents it is good for; none means all its user's role may ask."""
    expires_at: datetime
    last_used_at: datetime | None
    """To the minute."""


class Keys(Store):
    """The API keys of users."""

    def create_key(
        self,
        user: str,
        *,
        agents: Collection[str] | None = None,
        expires_days: float | None = None,
        label: str = "",
        key: str | None = None,
    ) -> str:
        """A new API key of ``user``; this is the only time it is seen.

        Args:
            user: who asks with it.
            agents: the agents it is good for; none means all his role may ask, whatever they will be.
            expires_days: days it works; none is the settings' ``key_days``.
            label: what it is for.
            key: a random one of the caller's, with ``KEY_PREFIX``; none makes one.

        Raises:
            ProjectError: there is no such user or it is disabled, no agent is named, or the days or the label are
                outside the rules.
        """
        name = require_name(user)
        days = self.settings.key_days if expires_days is None else expires_days
        _require_rules(name, agents, days, self.settings.key_most_days, label)
        key = key or KEY_PREFIX + secrets.token_urlsafe(32)
        scope = None if agents is None else sorted(set(agents))
        if not self._database.run(_CREATE, (digest(key), key[:8], label, scope, days, name)):
            raise no_user(name)
        return key

    def keys(self, user: str) -> tuple[KeyRecord, ...]:
        """A user's keys, oldest first."""
        rows = self._database.rows(_LIST, (clean_name(user),))
        return tuple(_record(*row) for row in rows)

    def revoke_key(self, key_id: int) -> bool:
        """Revoke a key by its number; returns whether it worked before."""
        statement = "UPDATE gateway.api_keys SET revoked_at = now() WHERE id = %s AND revoked_at IS NULL"
        return self._database.run(statement, (key_id,)) == 1

    def find_key(self, key: str) -> Presented | None:
        """Whose key this is, and whether it is good; none if there is no such key."""
        if not key.startswith(KEY_PREFIX):
            return None
        row = self._database.row(_FIND, {**self._limits, "digest": digest(key)})
        return Presented(key_principal(row), row[4]) if row else None

    def principal_of_key(self, key: str) -> Principal | None:
        """Whose key this is, with the role of this moment; none if unknown, revoked, expired, or the user disabled."""
        found = self.find_key(key)
        return found.principal if found and not found.fault else None


def key_principal(row: Sequence[Any]) -> Principal:
    """The principal of a row that begins with name, role, claims and agents."""
    name, role, claims, agents = row[:4]
    return Principal(name, role, claims_of(claims), None if agents is None else frozenset(agents))


def _record(*row: Any) -> KeyRecord:
    number, start, created_at, revoked, label, agents, *times = row
    return KeyRecord(number, start, created_at, revoked, label, None if agents is None else tuple(agents), *times)


def _require_rules(name: str, agents: Collection[str] | None, days: float, most: int, label: str) -> None:
    if agents is not None and not agents:
        raise ProjectError("a key for no agent opens nothing.", element=name, remedy="Name an agent, or leave it out.")
    if not 0 < days <= most:
        rule = f"Choose at most {most} days (identity.key_most_days)."
        raise ProjectError(f"a key cannot work for {days:g} days.", element=name, remedy=rule)
    if len(label) > MAX_LABEL_LENGTH or not label.isprintable():
        rule = f"Use at most {MAX_LABEL_LENGTH} printable characters."
        raise ProjectError("the name of the key is too long, or not printable.", element=name, remedy=rule)
