"""The policy table: role × agent, derived from the project and frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from allotment.access._principal import Claims, Principal, claims_of
from allotment.access._readers import Readers, common_readers
from allotment.errors import PolicyError
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
    users: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """User → role, where the project declares it; nobody declared may ask with another role."""
    claims: Mapping[str, Claims] = field(default_factory=lambda: MappingProxyType({}))
    """User → claims, where the project declares them; nobody declared may ask with others."""

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
        defaults, users = MappingProxyType(dict(project.routing.default)), MappingProxyType(dict(project.users))
        claims = MappingProxyType({user: claims_of(values) for user, values in project.claims.items()})
        return cls(frozenset(project.roles), MappingProxyType(agents), defaults, users, claims)

    def known(self, principal: Principal) -> Principal:
        """``principal`` with the claims the project declares, where the login keeps none."""
        return principal if principal.claims else replace(principal, claims=self.claims.get(principal.user, ()))

    def agrees_with(self, principal: Principal) -> bool:
        """Whether the project declares no other role for this user."""
        return self.users.get(principal.user, principal.role) == principal.role

    def claims_agree_with(self, principal: Principal) -> bool:
        """Whether the project declares no other claims for this user."""
        return self.claims.get(principal.user, principal.claims) == principal.claims

    def require_declared(self, principal: Principal) -> Principal:
        """``principal`` with his claims, if the project declares neither another role nor other claims for this user.

        Raises:
            PolicyError: it does; nobody can tell which of the two was meant, so neither counts.
        """
        principal = self.known(principal)
        if not self.claims_agree_with(principal):
            raise PolicyError(
                "the claims kept for this user are not those allotment.yaml declares.",
                element=f"claims.{principal.user}",
                remedy="Keep the same with `allotment users add NAME --claim`, or take the entry out of the file.",
            )
        if self.agrees_with(principal):
            return principal
        user, declared = principal.user, self.users[principal.user]
        raise PolicyError(
            f"the role kept for this user is {principal.role!r}, but allotment.yaml declares {declared!r}.",
            element=f"users.{user}",
            remedy=f"Keep the declared one with `allotment users add {user} --role {declared}`, or correct the file.",
        )

    def entitled(self, role: str) -> tuple[str, ...]:
        """Agents a role may ask, most specific first (fewest roles served, then by name)."""
        if role not in self.roles:
            return ()
        mine = [rule for rule in self.agents.values() if role in rule.roles and role in rule.clearance]
        return tuple(rule.name for rule in sorted(mine, key=lambda rule: (len(rule.roles), rule.name)))

    def agents_of(self, principal: Principal) -> tuple[str, ...]:
        """Agents ``principal`` may ask: those of his role, less those his key is not good for."""
        return tuple(agent for agent in self.entitled(principal.role) if principal.may_ask(agent))
