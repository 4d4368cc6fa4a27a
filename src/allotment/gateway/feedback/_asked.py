"""What the audit record says of a decision: who asked what with which role, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from allotment.audit import AuditRecord
from allotment.feedback import Means
from allotment.project import QuestionsKept

Became = Literal["answered", "guard-refused", "no-agent", "failed", "denied"]
"""``answered``: an agent was reached; ``no-agent``: the question was nobody's, or too unclear."""
_OF_KIND: dict[str, Became] = {"guard-refused": "guard-refused", "unknown": "no-agent", "failed": "failed"}


@dataclass(frozen=True)
class Asked:
    """One decision, as its record has it."""

    decision: int
    user: str
    role: str
    question: str | None
    """None: the record keeps no words of questions."""
    after: str | None
    """The earlier question it follows, where it makes no sense alone."""
    became: Became
    agent: str | None
    means: Means | None
    checks: Mapping[str, str]
    """What the guard found; check → evidence."""


def asked_of(record: AuditRecord, kept: QuestionsKept) -> Asked | None:
    """What a record says of an answer; none where it is not the decision about one.

    Args:
        record: any record.
        kept: what the project's record keeps of questions. Where that is not their words, none are taken.
    """
    event = record.event
    known = event["detail"] if isinstance(event.get("detail"), Mapping) else {}
    told = event if event.get("kind") == "decision" else known
    became = _became(event, known)
    user, role = event.get("user"), event.get("role")
    if became is None or not isinstance(user, str) or not isinstance(role, str) or not user:
        return None
    checks = known.get("checks")
    return Asked(
        record.sequence,
        user,
        role,
        _words(told.get("question"), kept),
        _words(told.get("after"), kept),
        became,
        told.get("agent") if became in ("answered", "denied") else None,
        _means(event),
        {str(name): str(why) for name, why in checks.items()} if isinstance(checks, Mapping) else {},
    )


def _became(event: Mapping[str, Any], detail: Mapping[str, Any]) -> Became | None:
    kind = str(event.get("kind"))
    if kind in _OF_KIND:
        # What ended after its decision is marked by that decision's number.
        return None if "decision" in detail else _OF_KIND[kind]
    if kind != "decision" or event.get("search") or event.get("document"):
        return None
    return "answered" if event.get("outcome") == "allow" else "denied"


def _means(event: Mapping[str, Any]) -> Means | None:
    if event.get("adapter"):
        return "adapter"
    return "account" if event.get("account") else None


def _words(text: object, kept: QuestionsKept) -> str | None:
    return text if isinstance(text, str) and kept == "stored" else None
