"""Which credentials are still good: one statement for all that streams of this process began with."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from allotment.access import Principal
from allotment.gateway.identity._keys import KEY_FAULT, key_principal
from allotment.gateway.identity._sessions import SESSION_FAULT
from allotment.gateway.identity._store import Store, digest

_LIVE = f"""
SELECT 'session', s.token_hash, u.name, u.role, u.claims, NULL::text[]
FROM gateway.sessions s JOIN gateway.users u ON u.name = s.user_name
WHERE s.token_hash = ANY(%(sessions)s) AND {SESSION_FAULT} = ''
UNION ALL
SELECT 'key', k.key_hash, u.name, u.role, u.claims, k.agents
FROM gateway.api_keys k JOIN gateway.users u ON u.name = k.user_name
WHERE k.key_hash = ANY(%(keys)s) AND {KEY_FAULT} = ''
"""  # noqa: S608 - constants only


@dataclass(frozen=True)
class Credential:
    """What a request was let in with, without its secret."""

    kind: Literal["session", "key"]
    digest: bytes

    @classmethod
    def of(cls, kind: Literal["session", "key"], secret: str) -> Credential:
        """The credential of a token or key."""
        return cls(kind, digest(secret))


class LiveCredentials(Store):
    """Looks at many credentials at once."""

    def live(self, credentials: Collection[Credential]) -> dict[Credential, Principal]:
        """Those that are good now, and whose they are, with the role of this moment."""
        sessions = [each.digest for each in credentials if each.kind == "session"]
        keys = [each.digest for each in credentials if each.kind == "key"]
        rows = self._database.rows(_LIVE, {**self._limits, "sessions": sessions, "keys": keys})
        return {Credential(kind, bytes(hashed)): key_principal(rest) for kind, hashed, *rest in rows}
