"""One-time set-up links: with one a user chooses his first password, or a new one when he forgot it."""

from __future__ import annotations

import secrets

from allotment.errors import ProjectError
from allotment.gateway.identity._passwords import hash_password, require_name, require_password
from allotment.gateway.identity._store import Store, digest

_NEW = """
INSERT INTO gateway.set_up_links (user_name, token_hash, expires_at)
SELECT name, %s, now() + %s * interval '1 hour' FROM gateway.users WHERE name = %s AND NOT disabled AND issuer IS NULL
ON CONFLICT (user_name) DO UPDATE SET token_hash = excluded.token_hash, expires_at = excluded.expires_at
"""

_FIND = """
SELECT u.name, u.role FROM gateway.set_up_links l JOIN gateway.users u ON u.name = l.user_name
WHERE l.token_hash = %s AND l.expires_at > now() AND NOT u.disabled AND u.issuer IS NULL
"""

# One statement: of two that come at once with the same link, one finds it gone.
_USE = """
WITH link AS (DELETE FROM gateway.set_up_links WHERE token_hash = %s AND expires_at > now() RETURNING user_name),
done AS (
    UPDATE gateway.users u SET password_hash = %s FROM link
    WHERE u.name = link.user_name AND NOT u.disabled AND u.issuer IS NULL RETURNING u.name
), ended AS (
    UPDATE gateway.sessions s SET ended_at = now() FROM done WHERE s.user_name = done.name AND s.ended_at IS NULL
)
SELECT name FROM done
"""


class SetUpLinks(Store):
    """The set-up links of users; each user has at most one."""

    def invite(self, name: str, role: str, *, token: str | None = None) -> str:
        """A token for a user to choose a password with; a user who is not there yet is made, without a password.

        An older link of the user stops working; an older password works until the link is used. ``token`` is a random
        one of the caller's; none makes one.

        Raises:
            ProjectError: the name is no name, or its user has another role, is disabled, or comes from a provider.
        """
        user = require_name(name)
        self._database.run(
            "INSERT INTO gateway.users (name, role) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (user, role),
        )
        kept = self._database.row("SELECT role FROM gateway.users WHERE name = %s", (user,))
        if kept is None or kept[0] != role:
            remedy = "Name the role kept, or change it first with `allotment users add`."
            raise ProjectError(f"the user has the role {kept[0] if kept else ''!r}.", element=user, remedy=remedy)
        token = token or secrets.token_urlsafe(32)
        if not self._database.run(_NEW, (digest(token), self.settings.set_up_link_h, user)):
            remedy = "Enable him with `allotment users enable`, or send him to the provider's own page."
            raise ProjectError("is disabled, or logs in with the provider.", element=user, remedy=remedy)
        return token

    def user_of_link(self, token: str) -> tuple[str, str] | None:
        """Name and role of the user a link is for; none if it is unknown, used or expired."""
        row = self._database.row(_FIND, (digest(token),))
        return (row[0], row[1]) if row else None

    def set_up(self, token: str, password: str) -> str | None:
        """Use a link: set the password of its user and end his sessions; returns his name, none if the link is no good.

        Raises:
            ProjectError: the password breaks a rule; the link is still good.
        """
        found = self.user_of_link(token)
        if found is None:
            return None
        require_password(found[0], password)
        row = self._database.row(_USE, (digest(token), hash_password(password)))
        return str(row[0]) if row else None
