"""One user of each role with a key and a session of his own, in the copy alone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from allotment.access import Claims, Policy, Principal, claims_of
from allotment.databases import Databases
from allotment.gateway import UserStore
from allotment.project import Project


@dataclass(frozen=True)
class Credentials:
    """What an attacker of one role has."""

    principal: Principal
    key: str
    session: str
    """Token of the session's cookie."""


def make_users(project: Project, databases: Databases) -> dict[str, Credentials]:
    """A user of every role; with the claims of the first declared user of it, so that row filters apply to him."""
    with UserStore(databases.state_dsn, project.identity) as users:
        users.migrate(databases.admin_dsn())
        return {role: _made(project, users, role) for role in sorted(project.roles)}


def _made(project: Project, users: UserStore, role: str) -> Credentials:
    name = f"attacker-{role}"
    claims = _claims(project, role)
    users.add(name, role, secrets.token_urlsafe(18))
    if claims:
        users.set_claims(name, dict(claims))
    principal = Policy.of(project).known(Principal(name, role, claims))
    return Credentials(principal, users.create_key(name), users.start_session(name))


def _claims(project: Project, role: str) -> Claims:
    colleagues = (user for user, own in project.users.items() if own == role and user in project.claims)
    colleague = next(colleagues, None)
    return claims_of(project.claims[colleague]) if colleague else ()
