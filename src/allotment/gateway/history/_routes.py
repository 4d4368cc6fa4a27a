"""``/history``: a user's own conversations, for the pages. JSON; a session, and its CSRF token for changes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, ValidationError

from allotment.gateway.history._export import as_markdown
from allotment.gateway.history._shown import History, shown
from allotment.gateway.history._store import LISTED
from allotment.gateway.history._types import Conversation
from allotment.gateway.identity._identity import Identity, Session
from allotment.gateway.web._json import BadJson, read_json
from allotment.gateway.web._security import csrf_matches
from allotment.gateway.wording import catalogue, language_of, say

_LONGEST_TITLE = 200
_LONGEST_SEARCH = 200


class _Title(BaseModel):
    title: Annotated[str, Field(min_length=1, max_length=_LONGEST_TITLE)]


def history_routes(history: History, identity: Identity) -> APIRouter:
    """List, show, rename, export and delete. What belongs to somebody else is answered like what never was."""
    router, store = APIRouter(prefix="/history"), history.store

    @router.get("")
    def conversations(
        request: Request, search: Annotated[str, Query(max_length=_LONGEST_SEARCH)] = "", before: datetime | None = None
    ) -> dict[str, Any]:
        found = store.conversations(_session(identity, request).principal, search, before)
        more = found[-1].used_at.isoformat() if len(found) == LISTED else None
        return {"conversations": [_listed(one) for one in found], "before": more}

    @router.get("/{conversation}")
    def messages(request: Request, conversation: UUID) -> dict[str, Any]:
        return {"id": str(conversation), "messages": _messages(request, conversation)}

    @router.get("/{conversation}/export")
    def export(request: Request, conversation: UUID, format: Literal["markdown", "json"] = "markdown") -> Response:
        told = _messages(request, conversation)
        ending = "md" if format == "markdown" else "json"
        headers = {"content-disposition": f'attachment; filename="conversation-{conversation}.{ending}"'}
        if format == "json":
            return JSONResponse({"conversation": str(conversation), "messages": told}, headers=headers)
        words = catalogue(language_of(request))
        return Response(as_markdown(told, words), media_type="text/markdown; charset=utf-8", headers=headers)

    @router.patch("/{conversation}")
    async def rename(request: Request, conversation: UUID) -> dict[str, str]:
        session = _changing(identity, request)
        try:
            title = _Title.model_validate(read_json(await request.body())).title.strip()
        except (BadJson, ValidationError):
            title = ""
        if not title:
            raise HTTPException(400, say("A name has 1 to %(most)s characters.", most=_LONGEST_TITLE))
        if not store.rename(session.principal, conversation, title):
            raise _unknown()
        return {"title": title}

    @router.delete("/{conversation}")
    def delete(request: Request, conversation: UUID) -> dict[str, int]:
        if not store.delete(_changing(identity, request).principal, conversation):
            raise _unknown()
        return {"deleted": 1}

    @router.delete("")
    def delete_all(request: Request) -> dict[str, int]:
        return {"deleted": store.delete_all(_changing(identity, request).principal)}

    def _messages(request: Request, conversation: UUID) -> list[dict[str, Any]]:
        principal = _session(identity, request).principal
        found = store.messages(principal, conversation)
        if found is None:
            raise _unknown()
        words = catalogue(language_of(request))
        return [shown(principal, kept, history.may_read, words) for kept in found]

    return router


def _listed(one: Conversation) -> dict[str, Any]:
    return {
        "id": str(one.id),
        "title": one.title,
        "created_at": one.created_at.isoformat(),
        "used_at": one.used_at.isoformat(),
        "messages": one.messages,
    }


def _session(identity: Identity, request: Request) -> Session:
    session = identity.session(request)
    if session is None:
        raise HTTPException(401, say("You are signed out. Sign in and try again."))
    return session


def _changing(identity: Identity, request: Request) -> Session:
    session = _session(identity, request)
    if not csrf_matches(session.token, request.headers.get("x-csrf-token")):
        raise HTTPException(403, say("This page is out of date. Load it again, then repeat."))
    return session


def _unknown() -> HTTPException:
    return HTTPException(404, say("There is no such conversation."))
