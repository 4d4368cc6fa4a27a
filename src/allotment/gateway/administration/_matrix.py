"""Who may reach what: every role against every agent, the documents and tables behind it, and the rule that says so.

It is made of the declaration alone; nothing of a document or a row is in it.
"""

from __future__ import annotations

from dataclasses import dataclass

from allotment.access import AdminPolicy, Principal, Reason, Request, decide
from allotment.gateway.administration._door import AdminGrant, require_admin
from allotment.gateway.wording import Message, say
from allotment.project import PARTS, AdminRole, Project

WHY: dict[Reason, Message] = {
    "allowed": say("the role is served by the agent and may read all it learns"),
    "unknown-role": say("the role is not declared"),
    "unknown-agent": say("there is no such agent"),
    "role-not-served": say("the agent does not serve this role"),
    "documents-not-readable": say("the agent learns documents this role may not read"),
    "adapter-stale": say("the adapter learnt documents that have changed; it must be trained again"),
    "adapter-clearance": say("the adapter learnt documents this role may not read"),
    "account-of-another-agent": say("the database account belongs to another agent"),
}
"""Reasons of decisions that are made without a request of somebody's."""


@dataclass(frozen=True)
class Cell:
    """What one role reaches through one agent, and why."""

    role: str
    agent: str
    allowed: bool
    reason: Reason
    rule: str
    """Where ``allotment.yaml`` says it."""

    @property
    def why(self) -> Message | str:
        """The reason in words."""
        return WHY.get(self.reason, self.reason)


@dataclass(frozen=True)
class TableRule:
    """What an account sees of one table."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str], ...]
    """Column and what it must be; every row where there is none."""


@dataclass(frozen=True)
class AgentReach:
    """What an agent is made of."""

    name: str
    description: str
    documents: tuple[tuple[str, tuple[str, ...]], ...]
    """Document set and its readers."""
    account: str
    database: str
    tables: tuple[TableRule, ...]


@dataclass(frozen=True)
class SetReaders:
    """A document set and who reads it."""

    name: str
    path: str
    readers: tuple[str, ...]


@dataclass(frozen=True)
class AdminReach:
    """What a role may do in the administration."""

    role: str
    see: tuple[str, ...]
    change: tuple[str, ...]
    manages: tuple[str, ...]


@dataclass(frozen=True)
class Matrix:
    """The whole table."""

    roles: tuple[tuple[str, str], ...]
    """Role and what it is for."""
    agents: tuple[AgentReach, ...]
    cells: dict[tuple[str, str], Cell]
    document_sets: tuple[SetReaders, ...]
    administrators: tuple[AdminReach, ...]


def matrix(grant: AdminGrant, project: Project, policy: AdminPolicy) -> Matrix:
    """The table of a project."""
    require_admin(grant, "access")
    cells = {(role, agent): _cell(project, policy, role, agent) for role in project.roles for agent in project.agents}
    return Matrix(
        tuple(project.roles.items()),
        tuple(_agent(project, name) for name in project.agents),
        cells,
        tuple(
            SetReaders(name, one.path.as_posix(), tuple(role for role in project.roles if role in one.readers))
            for name, one in project.documents.items()
        ),
        tuple(_administrator(project, role, admin) for role, admin in project.administration.items()),
    )


def _cell(project: Project, policy: AdminPolicy, role: str, agent: str) -> Cell:
    decision = decide(policy.policy, Principal("", role), Request(agent, search=True))
    rule = f"agents.{agent}.roles"
    if decision.reason == "documents-not-readable":
        closed = [name for name in project.agents[agent].documents if role not in project.readers_of(name)]
        rule = ", ".join(f"documents.{name}.readers" for name in closed)
    return Cell(role, agent, decision.outcome == "allow", decision.reason, rule)


def _agent(project: Project, name: str) -> AgentReach:
    agent = project.agents[name]
    account = project.accounts.get(agent.account) if agent.account else None
    documents = tuple(
        (each, tuple(role for role in project.roles if role in project.readers_of(each))) for each in agent.documents
    )
    tables = tuple(
        TableRule(table, grant.columns, tuple((column, _value(value)) for column, value in grant.rows.items()))
        for table, grant in sorted(account.tables.items() if account else ())
    )
    return AgentReach(
        name, agent.description, documents, agent.account or "", account.database if account else "", tables
    )


def _value(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _administrator(project: Project, role: str, admin: AdminRole) -> AdminReach:
    return AdminReach(
        role,
        tuple(part for part in PARTS if part in admin.seen),
        tuple(part for part in PARTS if part in admin.change),
        tuple(each for each in project.roles if each in admin.manages),
    )
