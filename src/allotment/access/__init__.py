"""Pure decisions about who may reach what: no file, no clock, no network.

A role is entitled to an agent that declares it; an adapter may answer a role whose every document that
role may read; anything unknown, empty, stale or ambiguous is denied.
"""

from allotment.access._administration import AdminPolicy, Verb
from allotment.access._decide import AdapterFacts, Decision, DocumentFacts, Outcome, Reason, Request, decide
from allotment.access._grant import Grant, require_grant
from allotment.access._policy import AgentRule, Policy
from allotment.access._principal import Claims, ClaimValue, Principal, claims_of
from allotment.access._readers import Readers, common_readers

__all__ = [
    "AdapterFacts",
    "AdminPolicy",
    "AgentRule",
    "ClaimValue",
    "Claims",
    "Decision",
    "DocumentFacts",
    "Grant",
    "Outcome",
    "Policy",
    "Principal",
    "Readers",
    "Reason",
    "Request",
    "Verb",
    "claims_of",
    "common_readers",
    "decide",
    "require_grant",
]
