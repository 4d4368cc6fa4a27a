"""A project opened for work: its databases, record, users, and the chain that answers.

Everything heavy is imported when it is opened, so that a wrong call is told at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from allotment.errors import AllotmentError, ProjectError

if TYPE_CHECKING:
    from allotment.access import Claims, ClaimValue, Principal
    from allotment.answering import Chain
    from allotment.audit import AuditLog
    from allotment.databases import Databases, Watch
    from allotment.gateway import UserStore
    from allotment.models import Engines
    from allotment.project import Project
    from allotment.workspace import Workspace


@dataclass(frozen=True)
class RoleConflict:
    """A user with one role in ``allotment.yaml`` and another one kept with the login."""

    user: str
    declared: str
    kept: str


@dataclass(frozen=True)
class ClaimConflict:
    """A user with claims in ``allotment.yaml`` and others kept with the login."""

    user: str
    declared: dict[str, list[ClaimValue]]
    kept: dict[str, list[ClaimValue]]


@dataclass(frozen=True)
class State:
    """What is kept in PostgreSQL, open."""

    project: Project
    databases: Databases
    audit: AuditLog
    users: UserStore

    def principal(self, user: str) -> Principal:
        """A user with the role and claims kept for him, or declared in ``allotment.yaml`` for one without login.

        Raises:
            ProjectError: there is no such user, or he was disabled.
            PolicyError: the role or the claims kept for him are not those declared.
        """
        from allotment.access import Policy, Principal

        has_login = any(item.name == user for item in self.users.users())
        role = self.users.role_of(user) if has_login else self.project.users.get(user)
        if role is None:
            raise ProjectError(f"there is no user {user!r}.", remedy="Add one: `allotment users add NAME --role R`.")
        claims = self.users.kept_claims(user) if has_login else ()
        return Policy.of(self.project).require_declared(Principal(user, role, claims))

    def role_conflicts(self) -> tuple[RoleConflict, ...]:
        """Users whose kept role is not the one ``allotment.yaml`` declares; they are refused everywhere."""
        declared = self.project.users
        return tuple(
            RoleConflict(user.name, declared[user.name], user.role)
            for user in self.users.users()
            if declared.get(user.name, user.role) != user.role
        )

    def claim_conflicts(self) -> tuple[ClaimConflict, ...]:
        """Users whose kept claims are not those ``allotment.yaml`` declares; they are refused everywhere."""
        from allotment.access import claims_of

        found = []
        for user in self.users.users():
            kept = self.users.kept_claims(user.name)
            declared = claims_of(self.project.claims.get(user.name, {}))
            if kept and user.name in self.project.claims and kept != declared:
                found.append(ClaimConflict(user.name, _listed(declared), _listed(kept)))
        return tuple(found)


def _listed(claims: Claims) -> dict[str, list[ClaimValue]]:
    return {name: list(values) for name, values in claims}


@dataclass(frozen=True)
class Accounts:
    """The databases' accounts, made as declared as far as that went, and watched."""

    watch: Watch
    fault: AllotmentError | None
    """Why some could not be made as declared; those are closed, the others go on."""


@contextmanager
def open_accounts(databases: Databases) -> Iterator[Accounts]:
    """Provision what can be provisioned, then check now and on the timer while the body runs."""
    fault: AllotmentError | None = None
    try:
        databases.provision()
    except AllotmentError as error:
        fault = error
    with databases.watched() as watch:
        yield Accounts(watch, fault)


@dataclass(frozen=True)
class OpenChain:
    """A project whose chain answers."""

    project: Project
    workspace: Workspace
    state: State
    engines: Engines
    chain: Chain
    accounts: Accounts

    def missing(self) -> list[str]:
        """What keeps any agent from answering now; empty when it is ready."""
        from allotment.answering import absent_adapters, find_faults, routing_fault
        from allotment.gateway import schema_problems

        faults = find_faults(self.project, self.workspace, self.project.agents)
        tables = schema_problems(self.state.databases.state_dsn)
        absent = absent_adapters(self.project, self.workspace, self.engines)
        told = dict.fromkeys(str(fault.error) for fault in faults)
        told |= dict.fromkeys([str(fault)] if (fault := routing_fault(self.workspace)) else [])
        return [*tables, *told, *absent, *self.accounts.watch.problems()]


@contextmanager
def open_state(project: Project, workspace: Workspace) -> Iterator[State]:
    """Start or join the project's database server; its record and users are there afterwards."""
    from allotment.audit import AuditLog
    from allotment.databases import Databases
    from allotment.gateway import UserStore

    with ExitStack() as stack:
        databases = stack.enter_context(Databases(project, workspace))
        audit = stack.enter_context(AuditLog.of(project, workspace, databases.state_dsn))
        audit.migrate(databases.admin_dsn())
        users = stack.enter_context(UserStore(databases.state_dsn, project.identity))
        users.migrate(databases.admin_dsn())
        yield State(project, databases, audit, users)


@contextmanager
def open_chain(
    project_dir: Path, project: Project | None = None, *, manifests_good_for_s: float = 0.0
) -> Iterator[OpenChain]:
    """Open the project of a folder for questions; closing gives models and databases back.

    The databases' accounts and policies are made as declared first, so that no question meets older ones. Accounts
    for which that fails are closed, as are those of which a later self-check finds something; the others go on.
    ``project`` is what was read of the folder already; it is read now if none. ``manifests_good_for_s``: see ``Chain``.
    """
    from allotment.answering import Chain
    from allotment.models import Engines
    from allotment.project import load_project
    from allotment.workspace import Workspace

    project = project or load_project(project_dir)
    workspace = Workspace(project.root)
    with ExitStack() as stack:
        state = stack.enter_context(open_state(project, workspace))
        engines = stack.enter_context(Engines(project.models.threads, adapter_server=project.models.adapter_server))
        accounts = stack.enter_context(open_accounts(state.databases))
        chain = Chain(
            project,
            workspace,
            engines=engines,
            databases=state.databases,
            audit=state.audit,
            manifests_good_for_s=manifests_good_for_s,
        )
        yield OpenChain(project, workspace, state, engines, chain, accounts)
