"""An agent's very statement on another agent's account: it is the database that refuses, whatever a prompt says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from allotment.access import Grant, Principal
    from allotment.cli._demo_asks import Asked
    from allotment.cli._open import State
    from allotment.databases import Databases
    from allotment.project import Project

Ending = Literal["refused", "failed", "ran", "not run"]


@dataclass(frozen=True)
class Replay:
    """A statement that answered for one agent, run past the gate on another agent's account."""

    user: str
    role: str
    agent: str
    account: str
    statement: str
    outcome: Ending
    """``refused``: for lack of rights, as it must be; ``failed``: another error, which proves nothing."""
    said: str
    """PostgreSQL's words with the class of its error."""
    record: int | None
    """Number of the audit record of the grant."""

    @property
    def problem(self) -> str:
        """What is not as it must be; empty if PostgreSQL refused."""
        return "" if self.outcome == "refused" else f"expected to be refused for lack of rights, but: {self.said}"


@dataclass(frozen=True)
class _Other:
    """A user whose agent has an account, and who is not served by the agent whose statement is run."""

    principal: Principal
    agent: str
    account: str


def replay(project: Project, state: State, asked: Iterable[Asked]) -> list[Replay]:
    """Run every answered statement on each account of others that it is closed to.

    Where there are such accounts and no statement to run, the one entry says so and is a problem.
    """
    answered = {(one.agent, one.sql): None for one in asked if one.outcome == "answered" and one.agent and one.sql}
    done = [
        _run(project, state, other, sql)
        for agent, sql in answered
        for other in _others(project, state, agent)
        if _is_closed(project, sql, other.account)
    ]
    return done or list(_nothing_run(project, state))


def _nothing_run(project: Project, state: State) -> Iterator[Replay]:
    with_account = [name for name, agent in project.agents.items() if agent.account]
    for other in [other for agent in with_account for other in _others(project, state, agent)][:1]:
        said = "nothing could be replayed: no answered question used what is closed to another account"
        who = (other.principal.user, other.principal.role, other.agent, other.account)
        yield Replay(*who, "", "not run", said, None)


def _others(project: Project, state: State, agent: str) -> Iterator[_Other]:
    """For every other account of the same database, the first user who may use it and is not served by ``agent``."""
    from allotment.access import Policy

    policy = Policy.of(project)
    users = [state.principal(name) for name in project.users]
    strangers = [user for user in users if agent not in policy.entitled(user.role)]
    for name, config in project.agents.items():
        mine = next((user for user in strangers if name in policy.entitled(user.role)), None)
        if config.account is not None and mine is not None and _same_database(project, agent, name):
            yield _Other(mine, name, config.account)


def _same_database(project: Project, one: str, other: str) -> bool:
    named = [project.agents[agent].account for agent in (one, other)]
    return len({project.accounts[account].database for account in named if account is not None}) == 1


def _is_closed(project: Project, statement: str, account: str) -> bool:
    """Whether the declaration keeps the statement from the account. It passed one gate: only names can stop it here."""
    from allotment.databases import check_sql
    from allotment.errors import SqlRefused

    try:
        check_sql(statement, project.accounts[account])
    except SqlRefused:
        return True
    return False


def _run(project: Project, state: State, other: _Other, statement: str) -> Replay:
    from allotment.access import Policy, Request
    from allotment.audit import authorize

    request = Request(other.agent, account=other.account)
    question = f"(another agent's statement, past the gate) {statement}"
    grant = authorize(state.audit, Policy.of(project), other.principal, request, question=question)
    outcome, said = _try(state.databases, grant, statement)
    who = (other.principal.user, other.principal.role, other.agent, other.account)
    return Replay(*who, statement, outcome, said, grant.record)


def _try(databases: Databases, grant: Grant, statement: str) -> tuple[Ending, str]:
    """Run a statement on the granted account; no row of it is kept."""
    import psycopg

    try:
        with databases.account_connection(grant) as connection:
            connection.read_only = True
            # stream() uses the extended protocol, in which the server itself refuses a second statement.
            rows = sum(1 for _ in connection.cursor().stream(statement))
    except psycopg.errors.InsufficientPrivilege as error:
        return "refused", _told(error)
    except psycopg.Error as error:
        return "failed", _told(error)
    return "ran", f"it ran and gave {rows} rows"


def _told(error: Exception) -> str:
    """The class of PostgreSQL's error and the first line of its words."""
    return f"PostgreSQL, {type(error).__name__}: {(str(error).strip() or 'no words').splitlines()[0]}"
