"""``allotment database``: service accounts and row policies, the self-check, one query through the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from allotment.cli._app import command, group
from allotment.cli._faults import note_faults
from allotment.cli._names import agent_of, known
from allotment.cli._open import open_accounts, open_state
from allotment.cli._run import Run
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from allotment.project import Project

database = group("database", "Databases, their service accounts and policies.")


@command(database, "provision")
def provision(
    run: Run,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the SQL and change nothing.")] = False,
    reload: Annotated[
        bool, typer.Option("--reload", help="Load the SQL files anew; what was changed in their databases is lost.")
    ] = False,
) -> None:
    """Load the databases; make accounts, grants and policies.

    Everything as declared in allotment.yaml. Running it again changes nothing. Only a database that was loaded from
    a file is ever loaded anew, never one of your own server.
    """
    from allotment.databases import Databases

    project = run.project()
    if reload:
        _reloadable(project, dry_run)
    with Databases(project, run.workspace()) as databases:
        statements = databases.provision(dry_run=dry_run, reload=reload)
    run.show(
        {"dry_run": dry_run, "statements": statements},
        lambda console: console.print("\n".join(statements), markup=False, soft_wrap=True),
    )


def _reloadable(project: Project, dry_run: bool) -> None:
    if dry_run:
        raise ProjectError("--dry-run changes nothing, --reload does.", remedy="Give one of them.")
    if not any(config.load or config.file for config in project.databases.values()):
        raise ProjectError(
            "no database is loaded from a file.",
            element="databases",
            remedy="Those given by url: are yours; change them yourself, then run it without --reload.",
        )


@command(database, "check")
def check_database(run: Run) -> int:
    """Compare the live databases with the declaration.

    Accounts, grants and row policies. Exit code 1 where they differ.
    """
    from allotment.databases import Databases

    with Databases(run.project(), run.workspace()) as databases:
        found = databases.check()
    rows = [(item.element, item.expected, item.found) for item in found]
    run.show_table(("at", "declared", "found"), rows, found, "The databases are as declared.")
    if found:
        run.note("Mend them with `allotment database provision`.")
    return 1 if found else 0


@command(database, "query")
def query(
    run: Run,
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT statement.")],
    agent: Annotated[str, typer.Option(help="The agent whose account runs it.")],
    user: Annotated[str | None, typer.Option(help="Ask as this user; none asks as a role the agent serves.")] = None,
) -> None:
    """Run one query through the gate on an agent's account.

    It is authorized and recorded like every question.
    """
    from allotment.access import Policy, Principal, Request
    from allotment.audit import authorize

    project = run.project()
    config = project.agents[agent_of(project, agent)]
    if config.account is None:
        raise ProjectError("has no database account.", element=f"agents.{agent}", remedy="Name one with `account:`.")
    with open_state(project, run.workspace()) as state, open_accounts(state.databases) as accounts:
        note_faults(run, accounts)
        asking = state.principal(user) if user else Principal("command-line", min(config.roles))
        request = Request(agent=agent, account=known("account", config.account, project.accounts))
        grant = authorize(state.audit, Policy.of(project), asking, request, question=sql)
        result = state.databases.query(grant, sql)
    value = {"columns": result.columns, "rows": result.rows, "truncated": result.truncated}
    run.show_table(result.columns, result.rows, value, "No rows.")
    if result.truncated:
        run.note(f"Only the first {len(result.rows)} rows are shown.")
