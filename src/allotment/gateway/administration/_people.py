"""People: who may log in, invited, moved between roles, shut out, signed out; their sessions and keys.

Whoever manages users could make himself an account of any role he may give. So he gives those roles alone that the
project lets him manage, and a key he makes is good for those agents alone that he may ask himself.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from allotment.access import Principal
from allotment.errors import ProjectError
from allotment.gateway.administration._door import AdminGrant, Door, require_admin
from allotment.gateway.administration._fault import AdminFault
from allotment.gateway.identity._accounts import UserRecord
from allotment.gateway.identity._keys import KEY_PREFIX, MAX_LABEL_LENGTH, KeyRecord
from allotment.gateway.identity._passwords import clean_name
from allotment.gateway.identity._sessions import SessionRecord
from allotment.gateway.identity._users import UserStore
from allotment.gateway.wording import say
from allotment.project import Project

PAGE = 50
NOT_MANAGED = say("This is not a user you may change: you do not manage that role.")
NOT_YOURSELF = say("You cannot do this to your own account. Ask another administrator, or use the command line.")
NO_USER = say("There is no user of this name.")
NO_SUCH_ROLE = say("You may not give this role.")
OF_PROVIDER = say("This user signs in with your company account; role and password are kept there.")
DECLARED = say("allotment.yaml declares another role for this name. Change it there first.")
IS_DISABLED = say("This user is shut out. Let him in again first.")
NOT_ASKED = say("A key is good for agents that you may ask yourself, and no others.")


@dataclass(frozen=True)
class Person:
    """A user as the list shows him."""

    user: UserRecord
    manageable: bool
    """Whether the one who looks may change him."""
    conflict: str
    """The role ``allotment.yaml`` declares for him, where it is another; he is refused then."""


@dataclass(frozen=True)
class PersonPage:
    """Some users, and where the next page begins."""

    people: tuple[Person, ...]
    after: str
    """Name the next page begins after; empty at the end."""


@dataclass(frozen=True)
class Profile:
    """One user with everything that is kept of him; no secret."""

    person: Person
    sessions: tuple[SessionRecord, ...]
    keys: tuple[KeyRecord, ...]
    key_agents: tuple[str, ...]
    """Agents a key may be made for by the one who looks."""


class People:
    """Everything an administrator sees and does about users."""

    def __init__(self, project: Project, users: UserStore, door: Door) -> None:
        self._project = project
        self._users = users
        self._door = door

    def page(self, grant: AdminGrant, *, after: str = "", role: str | None = None, part: str = "") -> PersonPage:
        """Users by name, ``PAGE`` at a time."""
        require_admin(grant, "people")
        found = self._users.users_after(after, most=PAGE + 1, role=role, part=part)
        shown = tuple(self._person(grant, user) for user in found[:PAGE])
        return PersonPage(shown, shown[-1].user.name if len(found) > PAGE else "")

    def roles(self, grant: AdminGrant) -> tuple[str, ...]:
        """Roles the one who looks may give, in the project's order."""
        managed = self._door.policy.manages(require_admin(grant, "people").principal)
        return tuple(role for role in self._project.roles if role in managed)

    def profile(self, grant: AdminGrant, name: str) -> Profile:
        """One user with his sessions and keys."""
        require_admin(grant, "people")
        user = self._user(name)
        key_agents = tuple(
            agent
            for agent in self._door.policy.policy.entitled(user.role)
            if self._door.policy.reads_agent(grant.principal, agent)
        )
        sessions, keys = self._users.sessions(user.name), self._users.keys(user.name)
        return Profile(self._person(grant, user), sessions, keys, key_agents)

    def invite(self, grant: AdminGrant, name: str, role: str, once: str) -> str:
        """The address of a set-up link, for somebody new or somebody who forgot his password.

        Args:
            grant: to change people.
            name: login name.
            role: one the administrator manages.
            once: what the form was made with; sent twice it gives the same link.
        """
        require_admin(grant, "people", "change")
        user = clean_name(name)
        if user is None:
            raise AdminFault(say("This is no login name: use letters, digits, dots, dashes and underscores."))
        kept = self._users.user(user)
        if kept is not None:
            self._changeable(grant, user)
            self._inviteable(kept)
        self._giveable(grant, user, role)
        if kept is not None and kept.role != role:
            raise AdminFault(say("There is a user of this name with the role %(role)s.", role=kept.role))
        token = _secret(once, "set-up", user)
        if self._users.user_of_link(token) is None:
            kind = "set-up" if kept else "user-added"
            self._record(grant, user, role, kind, {"source": "password", "invited": True})
            self._users.invite(user, role, token=token)
        return f"{self._project.identity.base_url}/set-up?token={token}"

    def set_role(self, grant: AdminGrant, name: str, role: str) -> None:
        """Give a user another role; it counts from his next request, and running answers end."""
        user = self._changeable(grant, name)
        if user.source == "oidc":
            raise AdminFault(OF_PROVIDER)
        self._giveable(grant, user.name, role)
        if user.role != role:
            self._record(grant, user.name, user.role, "role-changed", {"before": user.role, "after": role})
            self._users.set_role(user.name, role)

    def set_disabled(self, grant: AdminGrant, name: str, *, disabled: bool) -> None:
        """Shut a user out, or let him in again."""
        user = self._changeable(grant, name)
        if user.disabled != disabled:
            self._record(grant, user.name, user.role, "user-disabled" if disabled else "user-enabled", {})
            self._users.disable(user.name, disabled=disabled)

    def sign_out(self, grant: AdminGrant, name: str) -> None:
        """End all sessions of a user."""
        user = self._changeable(grant, name)
        count = len(self._users.sessions(user.name))
        if count:
            self._record(grant, user.name, user.role, "session-ended", {"sessions": count})
            self._users.end_sessions(user.name)

    def end_session(self, grant: AdminGrant, name: str, number: int) -> None:
        """End one session of a user."""
        user = self._changeable(grant, name)
        if any(session.id == number for session in self._users.sessions(user.name)):
            self._record(grant, user.name, user.role, "session-ended", {"session": number})
            self._users.end_session_of(user.name, number)

    def create_key(
        self, grant: AdminGrant, name: str, *, agents: tuple[str, ...], days: int, label: str, once: str
    ) -> str:
        """A new key of a user, for agents the administrator may ask as well; sent twice, ``once`` gives the same."""
        user = self._changeable(grant, name)
        if user.disabled:
            raise AdminFault(IS_DISABLED)
        policy = self._door.policy
        if not agents or not all(policy.reads_agent(grant.principal, agent) for agent in agents):
            raise AdminFault(NOT_ASKED, status=403)
        label = label.strip()
        if len(label) > MAX_LABEL_LENGTH or not (label.isprintable() or not label):
            raise AdminFault(say("The name of the key is too long."))
        if not 1 <= days <= self._project.identity.key_most_days:
            most = self._project.identity.key_most_days
            raise AdminFault(say("A key works for 1 to %(most)s days.", most=most))
        key = KEY_PREFIX + _secret(once, "key", user.name)
        if self._users.find_key(key) is None:
            detail = {"name": label, "agents": sorted(set(agents)), "expires_days": days}
            self._record(grant, user.name, user.role, "key-created", detail)
            self._users.create_key(user.name, agents=agents, expires_days=days, label=label, key=key)
        return key

    def revoke_key(self, grant: AdminGrant, name: str, number: int) -> None:
        """End a key of a user for good."""
        user = self._changeable(grant, name)
        if any(key.id == number and not key.revoked for key in self._users.keys(user.name)):
            self._record(grant, user.name, user.role, "key-revoked", {"key": number})
            self._users.revoke_key(number)

    def _person(self, grant: AdminGrant, user: UserRecord) -> Person:
        declared = self._project.users.get(user.name, user.role)
        return Person(user, self._fault(grant.principal, user) is None, "" if declared == user.role else declared)

    def _user(self, name: str) -> UserRecord:
        user = self._users.user(name)
        if user is None:
            raise AdminFault(NO_USER, status=404)
        return user

    def _fault(self, principal: Principal, user: UserRecord) -> AdminFault | None:
        """Why this administrator may not change this user."""
        if user.name == principal.user:
            return AdminFault(NOT_YOURSELF, status=403)
        if user.role not in self._door.policy.manages(principal):
            return AdminFault(NOT_MANAGED, status=403)
        return None

    def _changeable(self, grant: AdminGrant, name: str) -> UserRecord:
        require_admin(grant, "people", "change")
        user = self._user(name)
        fault = self._fault(grant.principal, user)
        if fault is not None:
            raise fault
        return user

    def _inviteable(self, user: UserRecord) -> None:
        if user.source == "oidc":
            raise AdminFault(OF_PROVIDER)
        if user.disabled:
            raise AdminFault(IS_DISABLED)

    def _giveable(self, grant: AdminGrant, name: str, role: str) -> None:
        if role not in self._door.policy.manages(grant.principal):
            raise AdminFault(NO_SUCH_ROLE, status=403)
        if self._project.users.get(name, role) != role:
            raise AdminFault(DECLARED)

    def _record(self, grant: AdminGrant, user: str, role: str, kind: Any, detail: Mapping[str, Any]) -> None:
        self._door.record_change(grant, Principal(user, role), kind, detail)


def _secret(once: str, purpose: str, name: str) -> str:
    """A secret made of what only this session's form knows: the form sent twice makes one, not two."""
    if len(once) < 32:
        raise ProjectError("the form is incomplete.", remedy="Load the page again.")
    return hmac.new(once.encode(), f"{purpose} {name}".encode(), hashlib.sha256).hexdigest()
