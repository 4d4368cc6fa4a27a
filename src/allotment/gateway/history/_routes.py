"""``/history``: a user's own conversations, for the pages. JSON; a session, and its CSRF token for what changes them.

An old answer is shown again only if today's rules would still let the user's role reach what it came from; whose role
was narrowed since reads his question, and that the answer is no longer available.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, HTTPException, Request

from allotment.access import Principal
from allotment.answering import Answer
from allotment.gateway.history._store import HistoryStore
from allotment.gateway.history._types import Kept
from allotment.gateway.identity._identity import Identity, Session
from allotment.gateway.web._security import csrf_matches

GONE = "This answer is no longer available to you."
NOT_KEPT = "This answer was made from a database; it is not kept. Ask again to see it."
MayRead = Callable[[Principal, str, tuple[str, ...]], bool]
"""Whether a principal may still read what an agent answered from these documents."""


@dataclass(frozen=True)
class History:
    """The kept conversations, and what decides whether an old answer is shown again."""

    store: HistoryStore
    may_read: MayRead

    def keep(self, principal: Principal, conversation: UUID | None, question: str, answer: Answer) -> UUID:
        """Keep a question with its answer, in a new conversation where the user has none of that number.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        if conversation is not None and self.store.add(principal, conversation, question, answer):
            return conversation
        begun = self.store.begin(principal, question)
        self.store.add(principal, begun, question, answer)
        return begun


def history_routes(history: History, identity: Identity) -> APIRouter:
    """List, show and delete. What belongs to somebody else is answered like what never was."""
    router, store = APIRouter(prefix="/history"), history.store

    @router.get("")
    def conversations(request: Request) -> dict[str, Any]:
        found = store.conversations(_session(identity, request).principal)
        return {
            "conversations": [
                {
                    "id": str(one.id),
                    "title": one.title,
                    "created_at": one.created_at.isoformat(),
                    "messages": one.messages,
                }
                for one in found
            ]
        }

    @router.get("/{conversation}")
    def messages(request: Request, conversation: UUID) -> dict[str, Any]:
        principal = _session(identity, request).principal
        found = store.messages(principal, conversation)
        if found is None:
            raise _unknown()
        return {"id": str(conversation), "messages": [_shown(principal, kept, history.may_read) for kept in found]}

    @router.delete("/{conversation}")
    def delete(request: Request, conversation: UUID) -> dict[str, int]:
        if not store.delete(_changing(identity, request).principal, conversation):
            raise _unknown()
        return {"deleted": 1}

    @router.delete("")
    def delete_all(request: Request) -> dict[str, int]:
        return {"deleted": store.delete_all(_changing(identity, request).principal)}

    return router


def _shown(principal: Principal, kept: Kept, may_read: MayRead) -> dict[str, Any]:
    asked = {"asked_at": kept.asked_at.isoformat(), "question": kept.question}
    documents = tuple(source.document for source in kept.sources)
    if kept.agent is not None and not may_read(principal, kept.agent, documents):
        return asked | {"available": False, "answer": GONE}
    if kept.answer is None:
        return asked | {"available": False, "answer": NOT_KEPT, "agent": kept.agent, "record": kept.record}
    sources = [{"document": one.document, "heading": one.heading, "quote": one.quote} for one in kept.sources]
    whole = {"available": True, "answer": kept.answer, "outcome": kept.outcome}
    return asked | whole | {"agent": kept.agent, "record": kept.record, "sources": sources}


def _session(identity: Identity, request: Request) -> Session:
    session = identity.session(request)
    if session is None:
        raise HTTPException(401, "You are signed out. Sign in and try again.")
    return session


def _changing(identity: Identity, request: Request) -> Session:
    session = _session(identity, request)
    if not csrf_matches(session.token, request.headers.get("x-csrf-token")):
        raise HTTPException(403, "This page is out of date. Load it again, then repeat.")
    return session


def _unknown() -> HTTPException:
    return HTTPException(404, "There is no such conversation.")
