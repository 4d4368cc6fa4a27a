"""Users as an administrator lists them: some at a time, by name, however many there are."""

from __future__ import annotations

from typing import Any

from allotment.gateway.identity._accounts import UserRecord
from allotment.gateway.identity._passwords import clean_name
from allotment.gateway.identity._store import Store

_COLUMNS = "name, role, disabled, created_at, CASE WHEN issuer IS NULL THEN 'password' ELSE 'oidc' END, last_login_at"
_PAGE = f"""
SELECT {_COLUMNS} FROM gateway.users
WHERE name > %(after)s AND (%(role)s::text IS NULL OR role = %(role)s) AND strpos(name, %(part)s) > 0
ORDER BY name LIMIT %(most)s
"""  # noqa: S608 - constants only


class Listing(Store):
    """Looks at users one by one and page by page."""

    def user(self, name: str) -> UserRecord | None:
        """A user by name; none if there is no such user."""
        row = self._database.row(f"SELECT {_COLUMNS} FROM gateway.users WHERE name = %s", (clean_name(name),))  # noqa: S608
        return UserRecord(*row) if row else None

    def users_after(
        self, after: str = "", *, most: int = 50, role: str | None = None, part: str = ""
    ) -> tuple[UserRecord, ...]:
        """At most ``most`` users whose names come after ``after``, with this role and with ``part`` in their names."""
        given: dict[str, Any] = {"after": after, "role": role, "part": part.strip().lower(), "most": most}
        return tuple(UserRecord(*row) for row in self._database.rows(_PAGE, given))

    def count_users(self) -> dict[str, int]:
        """Role → how many users have it."""
        return dict(self._database.rows("SELECT role, count(*) FROM gateway.users GROUP BY role"))
