"""Vectors of a program's own texts, by the model that the search of sections uses: decided and on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allotment.access import Policy, Principal, Request
from allotment.audit import AuditLog, authorize, record_event
from allotment.databases import Databases
from allotment.errors import AllotmentError


@dataclass(frozen=True)
class Embedding:
    """One vector of length 1 for each text, the agent whose search may use the model, and the decision's record."""

    vectors: tuple[tuple[float, ...], ...]
    agent: str
    record: int


def embed(
    databases: Databases, audit: AuditLog, policy: Policy, principal: Principal, texts: Sequence[str], agent: str
) -> Embedding:
    """Decide, record, and have the model make the vectors.

    Raises:
        AccessDenied: the decision was no, or could not be recorded.
        MissingPartError: there is no such model, or it does not answer.
    """
    grant = authorize(audit, policy, principal, Request(agent, search=True), question="\n".join(texts))
    try:
        vectors = databases.sections.embed(grant, texts)
    except AllotmentError as error:
        record_event(audit, principal, "failed", {"decision": grant.record, "error": str(error)})
        raise
    record_event(audit, principal, "answered", {"decision": grant.record, "agent": agent, "vectors": len(vectors)})
    return Embedding(vectors, agent, grant.record)
