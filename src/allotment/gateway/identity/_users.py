"""``UserStore``: users, their sessions, keys and set-up links, kept in PostgreSQL.

Every look-up goes to the database, so that a changed role, a disabled user, or a revoked session or key
counts from the next request on, in every process.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from allotment.gateway.identity._accounts import Accounts
from allotment.gateway.identity._keys import Keys
from allotment.gateway.identity._links import SetUpLinks
from allotment.gateway.identity._listing import Listing
from allotment.gateway.identity._live import LiveCredentials
from allotment.gateway.identity._provider_users import ProviderUsers
from allotment.gateway.identity._sessions import Sessions
from allotment.gateway.storage._database import Database
from allotment.gateway.storage._schema import migrate
from allotment.project import IdentityConfig


class UserStore(Accounts, ProviderUsers, Sessions, Keys, SetUpLinks, LiveCredentials, Listing):
    """Users, sessions, keys and links in schema ``gateway`` of the database ``dsn`` names.

    Every method raises ``DatabaseUnavailable`` when the database does not answer.
    """

    def __init__(self, dsn: str, settings: IdentityConfig | None = None) -> None:
        super().__init__(Database(dsn), settings or IdentityConfig())

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
        """Bring the tables to their newest form and grant the store's own login role what it needs."""
        migrate(admin_dsn, self._database.login)
