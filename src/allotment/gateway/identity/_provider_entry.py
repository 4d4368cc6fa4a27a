"""A verified ID token becomes a user here: made or kept up to date, each change on record before it happens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allotment.access import Principal
from allotment.gateway.identity._id_token import LoginRefused
from allotment.gateway.identity._identity import Identity
from allotment.gateway.identity._mapping import ProviderIdentity, identity_of
from allotment.gateway.identity._passwords import clean_name
from allotment.project import OidcConfig


class ProviderEntry:
    """Keeps the provider's users as their last token says."""

    def __init__(self, identity: Identity, config: OidcConfig) -> None:
        self._users = identity.users
        self._record = identity.record
        self._config = config

    def principal_of(self, claims: Mapping[str, Any]) -> Principal:
        """The user of these claims, kept with the role and claims of this login.

        Raises:
            LoginRefused: he has no one role, his name is another user's, or he is disabled; ``who`` says whom the
                token is about. A user who had a role before and has none now loses it: sessions end, keys open nothing.
            AccessDenied: a change could not be recorded; it was not made.
        """
        try:
            found = self._found(claims)
            self._prepare(found)
        except LoginRefused as error:
            error.who = Principal(clean_name(str(claims.get(self._config.user_claim, ""))[:200]) or "", "")
            raise
        kept = self._users.keep_provider_user(found.name, found.role, self._config.issuer, found.subject, found.claims)
        if not kept:
            raise LoginRefused(f"the user {found.name!r} was changed meanwhile")
        return Principal(found.name, found.role, found.claims)

    def _found(self, claims: Mapping[str, Any]) -> ProviderIdentity:
        try:
            return identity_of(self._config, claims)
        except LoginRefused:
            self._take_role(claims["sub"])
            raise

    def _prepare(self, found: ProviderIdentity) -> None:
        known = self._users.known_user(found.name, self._config.issuer, found.subject)
        if known is None:
            detail = {"source": "oidc", "subject": found.subject}
            self._record(Principal(found.name, found.role, found.claims), "user-added", detail)
            return
        before = known.principal
        if not known.is_same:
            raise LoginRefused(f"the name {found.name!r}, or the identifier of its user, belongs to {before.user!r}")
        if known.disabled:
            raise LoginRefused(f"the user {found.name!r} is disabled")
        if before.role != found.role:
            self._record(before, "role-changed", {"before": before.role, "after": found.role, "by": "oidc"})
        if before.claims != found.claims:
            changed = {"before": dict(before.claims), "after": dict(found.claims), "by": "oidc"}
            self._record(before, "claims-changed", changed)

    def _take_role(self, subject: str) -> None:
        before = self._users.user_of_subject(self._config.issuer, subject)
        if before is not None and before.role:
            self._record(before, "role-changed", {"before": before.role, "after": "", "by": "oidc"})
            self._users.take_role(self._config.issuer, subject)
