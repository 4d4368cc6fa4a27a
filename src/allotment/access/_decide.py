"""``decide``: one question, one resolved agent, its adapter and account → allow or deny, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allotment.access._policy import Policy
from allotment.access._principal import Principal
from allotment.access._readers import Readers

Outcome = Literal["allow", "deny"]
Reason = Literal[
    "allowed",
    "unknown-role",
    "role-not-declared",
    "claims-not-declared",
    "unknown-agent",
    "role-not-served",
    "key-scope",
    "documents-not-readable",
    "nothing-requested",
    "adapter-of-another-agent",
    "adapter-stale",
    "adapter-clearance",
    "account-of-another-agent",
    "document-not-readable",
]

_EXPLANATION: dict[Reason, str] = {
    "allowed": "the role is served by the agent and may read all it learnt",
    "unknown-role": "the user's role is not declared",
    "role-not-declared": "allotment.yaml declares another role for the user than the one kept for him",
    "claims-not-declared": "allotment.yaml declares other claims for the user than those kept for him",
    "unknown-agent": "there is no such agent",
    "role-not-served": "the agent does not serve this role",
    "key-scope": "the key is not good for this agent, whatever its user's role may ask",
    "documents-not-readable": "the agent learns documents this role may not read",
    "nothing-requested": "neither an adapter, an account, a search nor a document was named",
    "adapter-of-another-agent": "the adapter belongs to another agent",
    "adapter-stale": "the adapter learnt documents that have changed; it must be trained again",
    "adapter-clearance": "the adapter learnt documents this role may not read",
    "account-of-another-agent": "the database account belongs to another agent",
    "document-not-readable": "the role may not read this document, or the agent does not learn it",
}


@dataclass(frozen=True)
class AdapterFacts:
    """What a decision needs to know of an adapter, taken from its verified manifest."""

    agent: str
    version: str
    clearance: Readers
    """Roles that may read every document it learnt; empty means nobody."""
    stale: bool
    """Whether a document it learnt was changed, re-labelled or removed since."""
    sha256: str = ""
    """Of its file, as its manifest names it; an engine serves the grant with these weights and no others."""


@dataclass(frozen=True)
class DocumentFacts:
    """What a decision needs to know of a document that somebody wants to read as a whole."""

    path: str
    readers: Readers
    """Roles that may read it as it is labelled today; nobody where it is unknown, or the agent does not learn it."""


@dataclass(frozen=True)
class Request:
    """What is asked for, resolved: the agent that will answer and the one means it will use."""

    agent: str
    adapter: AdapterFacts | None = None
    account: str | None = None
    search: bool = False
    """Whether the sections are to be searched that all the agent's roles may read."""
    document: DocumentFacts | None = None
    """A document to be read, as one that the agent learns."""


@dataclass(frozen=True)
class Decision:
    """The answer of ``decide``: outcome, reason, and everything it was about."""

    outcome: Outcome
    reason: Reason
    principal: Principal
    request: Request

    @property
    def explanation(self) -> str:
        """The reason in words."""
        return _EXPLANATION[self.reason]


def decide(policy: Policy, principal: Principal, request: Request) -> Decision:
    """Whether ``principal`` may reach what ``request`` names. Total and pure: every input has an answer."""
    reason = _reason(policy, principal, request)
    return Decision("allow" if reason == "allowed" else "deny", reason, principal, request)


def _reason(policy: Policy, principal: Principal, request: Request) -> Reason:
    if principal.role not in policy.roles:
        return "unknown-role"
    if not policy.agrees_with(principal):
        return "role-not-declared"
    if not policy.claims_agree_with(principal):
        return "claims-not-declared"
    rule = policy.agents.get(request.agent)
    if rule is None:
        return "unknown-agent"
    if principal.role not in rule.roles:
        return "role-not-served"
    if not principal.may_ask(request.agent):
        return "key-scope"
    if principal.role not in rule.clearance:
        return "documents-not-readable"
    if request.adapter is None and request.account is None and not request.search and request.document is None:
        return "nothing-requested"
    if request.document is not None and principal.role not in request.document.readers:
        return "document-not-readable"
    if request.account is not None and request.account != rule.account:
        return "account-of-another-agent"
    return _adapter_reason(principal, request) if request.adapter is not None else "allowed"


def _adapter_reason(principal: Principal, request: Request) -> Reason:
    adapter = request.adapter
    if adapter is None or adapter.agent != request.agent:
        return "adapter-of-another-agent"
    if adapter.stale:
        return "adapter-stale"
    if principal.role not in adapter.clearance:
        return "adapter-clearance"
    return "allowed"
