"""The whole file, and what must be true of all its parts together."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from allotment.project._administration import AdminRole
from allotment.project._agents import AgentConfig, RoutingConfig
from allotment.project._answers import AnswerLimits
from allotment.project._audit import AuditConfig
from allotment.project._base import Name, Scalar, Strict
from allotment.project._databases import AccountConfig, DatabaseConfig
from allotment.project._dataset import DatasetConfig
from allotment.project._documents import DocumentSet, PersonalDataConfig, SectionsConfig
from allotment.project._gateway import GatewayConfig, StateConfig
from allotment.project._guards import GuardsConfig
from allotment.project._identity import IdentityConfig
from allotment.project._limits import DatabaseLimits
from allotment.project._models import ModelsConfig
from allotment.project._training import TrainingConfig


class Project(Strict):
    """A whole project: ``allotment.yaml`` read, checked and frozen."""

    root: Path
    """Folder ``allotment.yaml`` lies in."""
    name: str = Field(min_length=1, max_length=80)
    """Name of the company, shown on the pages."""
    roles: dict[Name, str] = Field(min_length=1)
    """Role → what it is for."""
    users: dict[Name, Name] = Field(default_factory=dict)
    """User → role. A user whose login was made with another role is refused until the two agree."""
    claims: dict[Name, dict[Name, Scalar | tuple[Scalar, ...]]] = Field(default_factory=dict)
    """User → what is known of him besides his role (``employee_id: 5``), for row filters that say ``user.employee_id``.
    Claims can be kept with the login as well; a user for whom the two differ is refused."""
    identity: IdentityConfig = IdentityConfig()
    """Who may log in, and how."""
    documents: dict[Name, DocumentSet] = Field(min_length=1)
    """Document set → where it lies and who reads it."""
    sections: SectionsConfig = SectionsConfig()
    """How documents are cut."""
    personal_data: PersonalDataConfig = PersonalDataConfig()
    """How personal data is found."""
    models: ModelsConfig = ModelsConfig()
    """Which models do what."""
    databases: dict[Name, DatabaseConfig] = Field(default_factory=dict)
    """Database → where it comes from."""
    accounts: dict[Name, AccountConfig] = Field(default_factory=dict)
    """PostgreSQL login role → what it sees."""
    database_limits: DatabaseLimits = DatabaseLimits()
    """How much of the databases a question, a user and an account may take."""
    agents: dict[Name, AgentConfig] = Field(min_length=1)
    """Agent → whom it serves and what it learns."""
    routing: RoutingConfig = RoutingConfig()
    """Which entitled agent answers."""
    guards: GuardsConfig = GuardsConfig()
    """Which checks stand in front of the models."""
    answers: AnswerLimits = AnswerLimits()
    """Bounds of one answer."""
    dataset: DatasetConfig = DatasetConfig()
    """How many questions the teacher writes."""
    training: TrainingConfig = TrainingConfig()
    """How adapters are trained."""
    administration: dict[Name, AdminRole] = Field(default_factory=dict)
    """Role → what it may see and change on the administration's pages; without it there are none."""
    audit: AuditConfig = AuditConfig()
    """What the record of every decision keeps, and how long."""
    gateway: GatewayConfig = GatewayConfig()
    """How the pages and the API are served."""
    state: StateConfig | None = None
    """Where users, sessions, limits and the audit record are kept; without it on the embedded server."""

    @model_validator(mode="after")
    def _references_exist(self) -> Self:
        problems = [*_dangling(self), *_clearance_gaps(self), *_shared_accounts(self), *_nameless(self)]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def readers_of(self, document_set: str) -> frozenset[str]:
        """Roles that may read a document set; an unknown set has none."""
        entry = self.documents.get(document_set)
        return entry.readers if entry else frozenset()


def _dangling(project: Project) -> list[str]:
    found: list[str] = []

    def need(kind: str, value: str, known: Any, where: str) -> None:
        if value not in known:
            choice = ", ".join(sorted(known)) or "none are declared"
            found.append(f"{where}: unknown {kind} {value!r} (known: {choice})")

    for user, role in project.users.items():
        need("role", role, project.roles, f"users.{user}")
    if project.identity.oidc is not None:
        for group, role in project.identity.oidc.roles.items():
            need("role", role, project.roles, f"identity.oidc.roles.{group}")
    for name, documents in project.documents.items():
        for role in sorted(documents.readers):
            need("role", role, project.roles, f"documents.{name}.readers")
    for name, account in project.accounts.items():
        need("database", account.database, project.databases, f"accounts.{name}.database")
    for name, agent in project.agents.items():
        for role in sorted(agent.roles):
            need("role", role, project.roles, f"agents.{name}.roles")
        for document_set in agent.documents:
            need("document set", document_set, project.documents, f"agents.{name}.documents")
        if agent.account is not None:
            need("account", agent.account, project.accounts, f"agents.{name}.account")
    for role, admin in project.administration.items():
        need("role", role, project.roles, "administration")
        for managed in sorted(admin.manages):
            need("role", managed, project.roles, f"administration.{role}.manages")
    for role in project.gateway.limits.roles:
        need("role", role, project.roles, "gateway.limits.roles")
    for agent_name in project.gateway.limits.agents:
        need("agent", agent_name, project.agents, "gateway.limits.agents")
    for agent_name in project.guards.agents:
        need("agent", agent_name, project.agents, "guards.agents")
    for document_set in project.guards.canaries:
        need("document set", document_set, project.documents, "guards.canaries")
    for role, agent_name in project.routing.default.items():
        need("role", role, project.roles, "routing.default")
        need("agent", agent_name, project.agents, f"routing.default.{role}")
        if agent_name in project.agents and role not in project.agents[agent_name].roles:
            found.append(f"routing.default.{role}: agent {agent_name!r} does not serve the role {role!r}")
    return found


def _clearance_gaps(project: Project) -> list[str]:
    found: list[str] = []
    for name, agent in project.agents.items():
        for document_set in agent.documents:
            missing = agent.roles - project.readers_of(document_set)
            if document_set in project.documents and missing:
                found.append(
                    f"agents.{name}: serves {', '.join(sorted(missing))}, who may not read the documents"
                    f" {document_set!r}; take the role from the agent, or add it to documents.{document_set}.readers"
                )
    return found


def _shared_accounts(project: Project) -> list[str]:
    owner: dict[str, str] = {}
    found: list[str] = []
    for name, agent in project.agents.items():
        if agent.account is None:
            continue
        if agent.account in owner:
            found.append(
                f"agents.{name}.account: {agent.account!r} already belongs to agent {owner[agent.account]!r};"
                " every agent needs an account of its own"
            )
        owner.setdefault(agent.account, name)
    return found


def _nameless(project: Project) -> list[str]:
    """Where names of people are to be found although nothing can find them."""
    config = project.personal_data
    if config.names is not None or config.pipeline is not None:
        return []
    wanted = [f"documents.{name}.scrub" for name, documents in project.documents.items() if "names" in documents.scrub]
    wanted += ["guards.personal_data"] if "names" in project.guards.personal_data else []
    return [f"{place}: names need personal_data.names (a file) or personal_data.pipeline (spaCy)" for place in wanted]
