"""What the stores of users, sessions, keys and links share: one database, the settings, and how secrets are kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from allotment.access import Principal
from allotment.errors import ProjectError
from allotment.gateway.identity._passwords import require_name
from allotment.gateway.storage._database import Database
from allotment.project import IdentityConfig

USER_FAULT = """
    WHEN u.disabled THEN 'the user is disabled'
    WHEN u.issuer <> %(issuer)s THEN 'the provider the user comes from is not declared'
"""
"""Branches of a CASE: why nothing of this user ``u`` is good, whatever he presents."""


@dataclass(frozen=True)
class Presented:
    """A session or key the database knows, and why it is not good now."""

    principal: Principal
    fault: str
    """Empty while it is good."""


class Store:
    """One database, and the settings of ``allotment.yaml``."""

    def __init__(self, database: Database, settings: IdentityConfig) -> None:
        self._database = database
        self.settings = settings
        """Who may log in, and how."""

    @property
    def _limits(self) -> dict[str, Any]:
        """What the statements that judge sessions and keys are given."""
        oidc = self.settings.oidc
        return {
            "issuer": oidc.issuer if oidc else "",
            "keys_days": oidc.keys_days if oidc else 0.0,
            "idle_h": self.settings.session_idle_h,
            "life_h": self.settings.session_life_h,
        }

    def _change(self, name: str, statement: str, value: Any) -> None:
        user = require_name(name)
        if not self._database.run(statement, (value, user)):
            raise no_user(user)


def digest(secret: str) -> bytes:
    """How a token or key is kept. A plain hash is enough for 256 random bits: there is nothing to guess."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def no_user(name: str) -> ProjectError:
    """The error for a name nobody has."""
    return ProjectError("there is no such user.", element=name, remedy="See `allotment users list`.")
