"""The policy table: role × agent, derived from the project and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from allotment.access._readers import Readers, common_readers
from allotment.project import Project


@dataclass(frozen=True)
class AgentRule:
    """What the policy knows of one agent."""

    name: str
    roles: frozenset[str]
    """Roles it serves."""
    clearance: Readers
    """Roles that may read every document it learns."""
    account: str | None
    """Its database account."""


@dataclass(frozen=True)
class Policy:
    """Roles and agents; everything not in it is unknown and denied."""

    roles: frozenset[str]
    agents: Mapping[str, AgentRule]
    defaults: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, project: Project) -> Policy:
        """The policy a project declares."""
        agents = {
            name: AgentRule(
                name=name,
                roles=agent.roles,
                clearance=common_readers(project.readers_of(document_set) for document_set in agent.documents),
                account=agent.account,
            )
            for name, agent in project.agents.items()
        }
        return cls(frozenset(project.roles), MappingProxyType(agents), MappingProxyType(dict(project.routing.default)))

    def entitled(self, role: str) -> tuple[str, ...]:
        """Agents a role may ask, most specific first (fewest roles served, then by name)."""
        if role not in self.roles:
            return ()
        mine = [rule for rule in self.agents.values() if role in rule.roles and role in rule.clearance]
        return tuple(rule.name for rule in sorted(mine, key=lambda rule: (len(rule.roles), rule.name)))
