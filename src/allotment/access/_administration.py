"""Decisions about the administration: which part a role may see or change, and what it may be shown there.

Running the place gives no reading. A page shows a document's name, a passage, a pair or somebody's question to those
alone whose role could read it without being an administrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from allotment.access._decide import Request, decide
from allotment.access._policy import Policy
from allotment.access._principal import Principal
from allotment.access._readers import Readers
from allotment.project import AdminRole, Part, Project

Verb = Literal["see", "change"]


@dataclass(frozen=True)
class AdminPolicy:
    """Who may do what in the administration; everything that is not in it is denied."""

    policy: Policy
    roles: Mapping[str, AdminRole]
    document_sets: Mapping[str, Readers]
    """Document set → roles that may read it."""
    personal: frozenset[str] = frozenset()
    """Agents whose accounts show rows by who asks: what somebody asks them may hold what his rows alone say."""

    @classmethod
    def of(cls, project: Project) -> AdminPolicy:
        """The policy a project declares."""
        sets = {name: documents.readers for name, documents in project.documents.items()}
        roles = MappingProxyType(dict(project.administration))
        return cls(Policy.of(project), roles, MappingProxyType(sets), _personal(project))

    def may(self, principal: Principal, part: Part, verb: Verb) -> bool:
        """Whether a principal may see or change a part. A key opens none: it is for programs that ask."""
        declared = self._declared(principal)
        if declared is None:
            return False
        return part in (declared.change if verb == "change" else declared.seen)

    def parts(self, principal: Principal) -> frozenset[Part]:
        """The parts a principal may look at."""
        declared = self._declared(principal)
        return declared.seen if declared else frozenset()

    def manages(self, principal: Principal) -> frozenset[str]:
        """Roles whose users a principal may change."""
        declared = self._declared(principal)
        return declared.manages if declared else frozenset()

    def reads_agent(self, principal: Principal, agent: str) -> bool:
        """Whether a principal may ask an agent, and so be shown what it learnt and what it was asked."""
        return decide(self.policy, principal, Request(agent, search=True)).outcome == "allow"

    def reads_words_of(self, principal: Principal, user: str, role: str) -> bool:
        """Whether the words of a user with a role tell a principal nothing that he may not read himself.

        They may hold whatever the role reaches. Where rows depend on who asks, nobody but the user may read them.
        """
        if (principal.user, principal.role) == (user, role):
            return True
        if role not in self.policy.roles or self.personal & set(self.policy.entitled(role)):
            return False
        agents = all(self.reads_agent(principal, agent) for agent in self.policy.entitled(role))
        return agents and all(principal.role in readers for readers in self.document_sets.values() if role in readers)

    def _declared(self, principal: Principal) -> AdminRole | None:
        known = principal.role in self.policy.roles and self.policy.agrees_with(principal)
        return self.roles.get(principal.role) if known and principal.agents is None else None


def _personal(project: Project) -> frozenset[str]:
    return frozenset(
        name
        for name, agent in project.agents.items()
        if agent.account and any(grant.claims for grant in project.accounts[agent.account].tables.values())
    )
