"""One question on its way: who asks, what was noted, and whether its end is on record."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from allotment.access import Principal
from allotment.answering._events import Answer, Delta, Event, Means, Routing
from allotment.answering._options import AnswerOptions
from allotment.audit import AuditLog, EventKind, record_event
from allotment.routing import Route, Routed, standalone

_SENTENCE_END = re.compile(r"(?<=[.!?])(\s+)")


@dataclass
class Turn:
    """One question on its way."""

    audit: AuditLog
    principal: Principal
    question: str
    context: tuple[str, ...]
    language: str
    options: AnswerOptions
    started: float = field(default_factory=time.monotonic)
    trail: list[tuple[str, str]] = field(default_factory=list)
    earlier: tuple[str, ...] = ()
    """Those of ``context`` that are this user's own earlier questions, oldest first."""
    routed: Routed | None = None
    """Where it was sent, and why; none before that."""
    ended: bool = False
    """Whether its end is on record."""

    @property
    def after(self) -> str | None:
        """The earlier question this one is answered as one with."""
        return self.routed.after if self.routed else None

    @property
    def asked(self) -> str:
        """What the agent is asked: the user's words, or one question made of them and those before."""
        return self.question if self.after is None else standalone(self.after, self.question)

    def note(self, step: str, why: str) -> None:
        """Keep a step and its reason, for the answer's explanation."""
        self.trail.append((step, why))

    def answer(self, partial: Answer) -> Answer:
        """The answer with what the whole turn knows."""
        seconds = round(time.monotonic() - self.started, 3)
        return replace(partial, explanation=tuple(self.trail), routing=self._routing(), seconds=seconds)

    def end(self, kind: EventKind, detail: Mapping[str, Any]) -> int:
        """Put its end on record; returns the record's number.

        Raises:
            AccessDenied: it could not be written down.
        """
        number = record_event(self.audit, self.principal, kind, {**detail, **self._route()})
        self.ended = True
        return number

    def _routing(self) -> Routing | None:
        """Why the agent that was chosen was; none where none was."""
        routed = self.routed
        if routed is None or not isinstance(routed.outcome, Route):
            return None
        route = routed.outcome
        other, _, means = (route.runner_up or "").partition("/")
        its_means: Means | None = "account" if means == "account" else "adapter" if means else None
        asked = self.asked if routed.after is not None else None
        score = route.runner_up_score
        return Routing(route.agent, route.means, route.score, other or None, its_means, score, routed.by, asked)

    def _route(self) -> dict[str, object]:
        """What the record keeps of how the question was routed: numbers, and no words but an earlier question's."""
        if self.routed is None:
            return {}
        route = self.routed.outcome
        score = route.score if isinstance(route, Route) else None
        told = {"routed": self.routed.by, "ours": self.routed.ours, "score": score, "after": self.routed.after}
        return {name: value for name, value in told.items() if value is not None}


def release(answer: Answer) -> Iterator[Event]:
    """The text by sentences, then the answer."""
    for piece in _SENTENCE_END.split(answer.text):
        if piece:
            yield Delta(piece)
    yield answer


def detail_of(answer: Answer) -> dict[str, object]:
    """What the record keeps of an answer; never its text."""
    return {
        "decision": answer.record,
        "agent": answer.agent,
        "adapter": answer.adapter,
        "account": answer.account,
        "sql": answer.sql,
        "outcome": answer.outcome,
        "sources": [source.section_id for source in answer.sources],
        "places": [place.section_id for place in answer.places],
        "rows": len(answer.table.rows) if answer.table else None,
        "seconds": answer.seconds,
    }
