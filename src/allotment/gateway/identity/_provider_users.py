"""Users who come from the OpenID provider, and their logins on the way to it and back."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg.types.json import Jsonb

from allotment.access import Claims, ClaimValue, Principal, claims_of
from allotment.gateway.identity._store import Store, digest

LOGIN_MIN = 10
"""Minutes a login may take at the provider."""

_BEGIN = f"""
WITH old AS (DELETE FROM gateway.oidc_logins WHERE created_at < now() - interval '{LOGIN_MIN} min')
INSERT INTO gateway.oidc_logins (state_hash, browser_hash, nonce, verifier) VALUES (%s, %s, %s, %s)
"""  # noqa: S608 - constants only

_TAKE = f"""
DELETE FROM gateway.oidc_logins WHERE state_hash = %s AND browser_hash = %s
  AND created_at > now() - interval '{LOGIN_MIN} min' RETURNING nonce, verifier
"""  # noqa: S608 - constants only

_KEEP = """
INSERT INTO gateway.users AS u (name, role, issuer, subject, claims) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (name) DO UPDATE SET role = excluded.role, claims = excluded.claims
WHERE u.issuer = excluded.issuer AND u.subject = excluded.subject AND NOT u.disabled
"""

# No role is a role nobody declares: sessions and keys are nobody's from now on.
_TAKE_ROLE = """
WITH ended AS (
    UPDATE gateway.sessions s SET ended_at = now() FROM gateway.users u
    WHERE u.name = s.user_name AND u.issuer = %(issuer)s AND u.subject = %(subject)s AND s.ended_at IS NULL
)
UPDATE gateway.users SET role = '' WHERE issuer = %(issuer)s AND subject = %(subject)s
"""


@dataclass(frozen=True)
class PendingLogin:
    """A login on its way: what goes to the provider, and what its answer is held against."""

    state: str
    nonce: str
    verifier: str
    """The secret of PKCE; the provider is shown its hash first and itself last."""


@dataclass(frozen=True)
class KnownUser:
    """A user whose name, or whose subject at the provider, is known here."""

    principal: Principal
    disabled: bool
    is_same: bool
    """Whether it is this very user: name, issuer and subject."""


class ProviderUsers(Store):
    """Users without a password here, told apart by the provider's own identifier and not by a name."""

    def begin_login(self, browser: str) -> PendingLogin:
        """Begin a login of the browser that holds the secret ``browser``."""
        login = PendingLogin(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(48))
        self._database.run(_BEGIN, (digest(login.state), digest(browser), login.nonce, login.verifier))
        return login

    def take_login(self, browser: str, state: str) -> PendingLogin | None:
        """The login this browser began with this state, once; none if it is another's, too old, or was taken."""
        row = self._database.row(_TAKE, (digest(state), digest(browser)))
        return PendingLogin(state, row[0], row[1]) if row else None

    def known_user(self, name: str, issuer: str, subject: str) -> KnownUser | None:
        """The user who has this name or this subject, the one who has both first."""
        row = self._database.row(
            "SELECT name, role, claims, disabled, coalesce(name = %(name)s AND issuer = %(issuer)s"
            " AND subject = %(subject)s, false) AS same FROM gateway.users"
            " WHERE name = %(name)s OR (issuer = %(issuer)s AND subject = %(subject)s) ORDER BY same DESC LIMIT 1",
            {"name": name, "issuer": issuer, "subject": subject},
        )
        return KnownUser(Principal(row[0], row[1], claims_of(row[2])), row[3], row[4]) if row else None

    def user_of_subject(self, issuer: str, subject: str) -> Principal | None:
        """The user the provider knows by this identifier."""
        statement = "SELECT name, role, claims FROM gateway.users WHERE issuer = %s AND subject = %s"
        row = self._database.row(statement, (issuer, subject))
        return Principal(row[0], row[1], claims_of(row[2])) if row else None

    def keep_provider_user(self, name: str, role: str, issuer: str, subject: str, claims: Claims) -> bool:
        """Keep role and claims of this login; returns whether the user could be kept: nobody else has the name."""
        kept: Mapping[str, tuple[ClaimValue, ...]] = dict(claims)
        return self._database.run(_KEEP, (name, role, issuer, subject, Jsonb(kept))) == 1

    def take_role(self, issuer: str, subject: str) -> None:
        """The provider gives this user no role any more: his sessions end and his keys open nothing."""
        self._database.run(_TAKE_ROLE, {"issuer": issuer, "subject": subject})
