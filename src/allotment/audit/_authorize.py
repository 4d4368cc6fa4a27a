"""``authorize``: decide and record in one place. The only door to a model's adapter or a database account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from allotment.access import Decision, Grant, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.audit._events import EventKind
from allotment.audit._log import AuditLog
from allotment.errors import AccessDenied


class RecordedDenial(AccessDenied):
    """The decision was no; ``decision`` says why and ``record`` is the number of its audit record."""

    def __init__(self, decision: Decision, record: int) -> None:
        self.decision = decision
        self.record = record
        super().__init__(
            f"{decision.explanation}.",
            element=decision.request.agent,
            remedy="Ask somebody whose role may read it, or have the project's roles changed.",
        )


def authorize(
    log: AuditLog,
    policy: Policy,
    principal: Principal,
    request: Request,
    *,
    question: str,
    after: str | None = None,
) -> Grant:
    """Decide, write the decision down, and give the grant if it was yes.

    Args:
        log: the record.
        policy: who may reach what.
        principal: who asks.
        request: what is to be reached.
        question: the user's words.
        after: the earlier question that they are answered as one with.

    Raises:
        RecordedDenial: an ``AccessDenied``; the decision was no, and it is on record.
        AccessDenied: the decision could not be written down, whatever it was.
    """
    decision = decide(policy, principal, request)
    sequence = _write(log, _decision_event(decision, question, after))
    if decision.outcome != "allow":
        raise RecordedDenial(decision, sequence)
    return mint(decision, sequence)


def record_event(log: AuditLog, principal: Principal, kind: EventKind, detail: Mapping[str, Any]) -> int:
    """Write down what is no decision of ``authorize``: a refused question, an unknown, an answer. Returns its number.

    Raises:
        AccessDenied: it could not be written down; what it is about must not happen.
    """
    return _write(log, {**_who(principal), "kind": kind, "detail": dict(detail)})


def _write(log: AuditLog, event: Mapping[str, Any]) -> int:
    try:
        return log.append(event).sequence
    except Exception as error:
        raise AccessDenied(
            f"nothing may happen that cannot be recorded ({error}).", element="audit record", remedy="Mend that first."
        ) from error


def _who(principal: Principal) -> dict[str, Any]:
    claims = {"claims": {name: list(values) for name, values in principal.claims}} if principal.claims else {}
    scope = {"key_agents": sorted(principal.agents)} if principal.agents is not None else {}
    return {"user": principal.user, "role": principal.role, **claims, **scope}


def _decision_event(decision: Decision, question: str, after: str | None) -> dict[str, Any]:
    request = decision.request
    adapter = request.adapter
    return {
        **_who(decision.principal),
        "kind": "decision",
        "agent": request.agent,
        "adapter": adapter.version if adapter else None,
        "adapter_sha256": adapter.sha256 if adapter else None,
        "clearance": sorted(adapter.clearance) if adapter else None,
        "account": request.account,
        "search": request.search,
        **({"document": request.document.path} if request.document else {}),
        "outcome": decision.outcome,
        "reason": decision.reason,
        "question": question,
        **({} if after is None else {"after": after}),
    }
