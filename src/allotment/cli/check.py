"""``allotment check``: is the project right, who may reach what, and is everything here that it needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from allotment.cli._app import app, command
from allotment.cli._limits import COLUMNS, LimitRow, limit_cells, limit_rows
from allotment.cli._open import ClaimConflict, RoleConflict, open_state
from allotment.cli._run import Run, print_table
from allotment.errors import MissingPartError, ProjectError

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.databases import Difference
    from allotment.project import Project
    from allotment.workspace import Workspace

_FOUND = 1
_MISSING = 4


@dataclass(frozen=True)
class Reach:
    """What a role reaches through one agent."""

    role: str
    agent: str
    documents: tuple[str, ...]
    tables: tuple[str, ...]


@dataclass(frozen=True)
class ModelState:
    """A model the project uses."""

    name: str
    uses: tuple[str, ...]
    here: bool
    missing: str
    """What is wrong and the command that mends it; empty where it is here."""


@dataclass(frozen=True)
class CheckReport:
    """All that ``check`` found out."""

    project: str
    reach: tuple[Reach, ...]
    models: tuple[ModelState, ...]
    missing: tuple[str, ...]
    """Parts that are not here, each with the command that brings it."""
    differences: tuple[Difference, ...]
    """Where a live database is not as declared."""
    role_conflicts: tuple[RoleConflict, ...]
    """Users who are refused, for their login has another role than allotment.yaml declares."""
    claim_conflicts: tuple[ClaimConflict, ...]
    """Users who are refused, for their login has other claims than allotment.yaml declares."""
    limits: tuple[LimitRow, ...] = ()
    """How much users, roles and agents may take of the gateway."""

    @property
    def exit_code(self) -> int:
        """4 where a part is missing, 1 where a database, or a user's role or claims differ, else 0."""
        found = self.differences or self.role_conflicts or self.claim_conflicts
        return _MISSING if self.missing else _FOUND if found else 0


@command(app, "check")
def check(run: Run) -> int:
    """Validate the project and show who may reach what.

    Also says whether its models are here, and its databases and the roles of those who may log in are as declared.
    Exit code 4 where something is missing, 1 where a database or a role differs.
    """
    project = run.project()
    _need_paths(project)
    report = inspect_project(project, run.workspace())
    run.show(report, lambda console: _print(console, report))
    return report.exit_code


def _need_paths(project: Project) -> None:
    """Refuse a project that declares documents which are not there; every such place is named."""
    gone = [
        f"documents.{name}.path: {declared.path.as_posix()} does not exist"
        for name, declared in project.documents.items()
        if not (project.root / declared.path).exists()
    ]
    if gone:
        from allotment.project import PROJECT_FILE

        raise ProjectError(
            f"{'; '.join(gone)}.",
            element=str(project.root / PROJECT_FILE),
            remedy="Make it, or correct the path; it is relative to allotment.yaml.",
        )


def inspect_project(project: Project, workspace: Workspace) -> CheckReport:
    """Everything ``check`` says of a valid project."""
    models = _models(project)
    absent = [item.missing for item in models if item.missing]
    differences: tuple[Difference, ...] = ()
    conflicts: tuple[tuple[RoleConflict, ...], tuple[ClaimConflict, ...]] = ((), ())
    try:
        differences, conflicts = _databases(project, workspace), _conflicts(project, workspace)
    except MissingPartError as error:
        absent.append(str(error))
    limits = limit_rows(project.gateway.limits)
    return CheckReport(
        project.name,
        _reach(project),
        models,
        tuple(absent),
        differences,
        *conflicts,
        limits,
    )


def _reach(project: Project) -> tuple[Reach, ...]:
    from allotment.access import Policy

    policy = Policy.of(project)
    return tuple(
        Reach(role, agent, project.agents[agent].documents, _tables(project, agent))
        for role in project.roles
        for agent in policy.entitled(role)
    )


def _tables(project: Project, agent: str) -> tuple[str, ...]:
    account = project.agents[agent].account
    if account is None:
        return ()
    tables = project.accounts[account].tables
    return tuple(f"{name} (some rows)" if grant.rows else name for name, grant in sorted(tables.items()))


def _models(project: Project) -> tuple[ModelState, ...]:
    uses: dict[str, list[str]] = {}
    wanted = {"teacher": project.models.teacher, "base": project.models.base}
    if any(agent.account for agent in project.agents.values()):
        wanted["sql"] = project.models.sql
    for use, name in wanted.items():
        uses.setdefault(name, []).append(use)
    return tuple(_model(name, tuple(for_what)) for name, for_what in uses.items())


def _model(name: str, uses: tuple[str, ...]) -> ModelState:
    from allotment.models import is_server, locate

    try:
        if not is_server(name):
            locate(name)
    except MissingPartError as error:
        return ModelState(name, uses, False, str(error))
    return ModelState(name, uses, True, "")


def _databases(project: Project, workspace: Workspace) -> tuple[Difference, ...]:
    """Where the live databases differ; nowhere in a project without databases."""
    if not project.databases:
        return ()
    from allotment.databases import Databases

    with Databases(project, workspace) as databases:
        return tuple(databases.check())


def _conflicts(project: Project, workspace: Workspace) -> tuple[tuple[RoleConflict, ...], tuple[ClaimConflict, ...]]:
    """Users with two roles or claims; none where no login was ever made, which is known without starting a server."""
    if not (project.users or project.claims) or not workspace.audit_anchor.exists():
        return (), ()
    with open_state(project, workspace) as state:
        return state.role_conflicts(), state.claim_conflicts()


def _print(console: Console, report: CheckReport) -> None:
    console.print(f"{report.project}: allotment.yaml is right. Who may reach what:\n", markup=False)
    rows = [(item.role, item.agent, ", ".join(item.documents), ", ".join(item.tables) or "-") for item in report.reach]
    print_table(console, ("role", "agent", "documents", "tables"), rows, "Nobody reaches anything.")
    console.print()
    models = [(item.name, ", ".join(item.uses), "yes" if item.here else "no") for item in report.models]
    print_table(console, ("model", "for", "here"), models, "No models.")
    console.print()
    print_table(console, COLUMNS, [limit_cells(row) for row in report.limits], "")
    for text in report.missing:
        console.print(f"Missing: {text}", markup=False)
    if report.differences:
        console.print("\nThe databases are not as declared; `allotment database provision` mends that:")
        faults = [(item.element, item.expected, item.found) for item in report.differences]
        print_table(console, ("at", "declared", "found"), faults, "")
    for conflict in report.role_conflicts:
        console.print(
            f"\nusers.{conflict.user}: declared as {conflict.declared!r}, but the login has {conflict.kept!r}, so"
            f" nothing is answered; `allotment users add {conflict.user} --role {conflict.declared}` mends that.",
            markup=False,
        )
    for claims in report.claim_conflicts:
        console.print(
            f"\nclaims.{claims.user}: declared as {claims.declared}, but the login has {claims.kept}, so nothing is"
            f" answered; `allotment users add {claims.user} --role ROLE --claim NAME=VALUE` mends that.",
            markup=False,
        )
