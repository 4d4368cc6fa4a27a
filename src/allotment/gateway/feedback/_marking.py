"""``Feedback``: a user marks an answer of his own; on record before it is kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from allotment.access import Principal
from allotment.audit import AuditRecord
from allotment.errors import InputError, RateLimited
from allotment.gateway._recorder import Recorder
from allotment.gateway.feedback._asked import Asked, asked_of
from allotment.gateway.feedback._store import Marking, MarkStore
from allotment.project import QuestionsKept


class Find(Protocol):
    """Gives records by their numbers; ``AuditLog.find`` does."""

    def __call__(self, sequences: Collection[int], /) -> Mapping[int, AuditRecord]: ...


class NotYours(InputError):
    """The decision is nobody's, or another user's: nobody is told which."""


@dataclass(frozen=True)
class Feedback:
    """Where marks are kept, and the record that says whose a decision is."""

    store: MarkStore
    find: Find
    kept: QuestionsKept = "stored"

    def mark(self, principal: Principal, marking: Marking, entitled: Collection[str], record: Recorder) -> None:
        """Keep a mark.

        Args:
            principal: from the session or the key.
            marking: what he says.
            entitled: the agents he may ask.
            record: the audit record; what cannot be written there is not kept.

        Raises:
            RateLimited: he marked too often in this hour.
            NotYours: no such decision about an answer, or not his.
            InputError: ``agent`` does not go with the verdict, or is none he may ask.
            AccessDenied: it could not be recorded.
            DatabaseUnavailable: the database does not answer.
        """
        self._count(principal, record)
        asked = self._own(principal, marking.decision)
        _check_agent(marking, asked, entitled)
        marking = replace(marking, note=plain(marking.note))
        detail = {"decision": marking.decision, "outcome": marking.verdict, "agent": marking.agent}
        with self.store.put(principal, asked.role, marking):
            record(principal, "feedback-marked", {**detail, "note": marking.note})

    def _count(self, principal: Principal, record: Recorder) -> None:
        used, wait_s = self.store.count(principal)
        if used == self.store.per_hour + 1:  # once an hour: nobody fills the record
            record(principal, "limit-reached", {"scope": "user", "limit": "feedback", "why": "marks in an hour"})
        if used > self.store.per_hour:
            raise RateLimited("you marked very many answers in a short time.", retry_after_s=wait_s)

    def _own(self, principal: Principal, decision: int) -> Asked:
        record = self.find([decision]).get(decision)
        asked = asked_of(record, self.kept) if record else None
        if asked is None or asked.user != principal.user:
            raise NotYours("there is no such answer.")
        if asked.agent is not None and not principal.may_ask(asked.agent):
            raise NotYours("the key is not good for the agent of this answer.")
        return asked


def _check_agent(marking: Marking, asked: Asked, entitled: Collection[str]) -> None:
    if marking.agent is None:
        return
    if marking.verdict != "wrong_agent":
        raise InputError("An agent goes with wrong_agent alone.")
    if marking.agent not in entitled:
        raise InputError("Choose one of the agents you may ask.")
    if marking.agent == asked.agent:
        raise InputError("That agent did answer. Choose another one.")


def plain(note: str) -> str:
    """A note without characters that are not seen, or steer a terminal or the direction of writing."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in note).strip()
