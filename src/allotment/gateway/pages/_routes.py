"""The pages behind the login: chat, the stream behind it, logout."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from concurrent.futures import Executor
from contextlib import aclosing
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field, ValidationError

from allotment.access import Principal
from allotment.answering import Answer, Event
from allotment.errors import DatabaseUnavailable, TimeLimitReached
from allotment.gateway._chain import Chain
from allotment.gateway.api._openai import AUTO
from allotment.gateway.api._requests import MAX_QUESTION_LENGTH
from allotment.gateway.history import History
from allotment.gateway.identity._identity import Identity, Session
from allotment.gateway.pages._render import Pages
from allotment.gateway.pages._wire import FAILED, event_frame, frame
from allotment.gateway.web._json import BadJson, read_json
from allotment.gateway.web._security import LOG, csrf_matches
from allotment.gateway.web._stream import TOO_LONG, AccessEnded, EventStream, KeepAlive, in_thread
from allotment.gateway.web._threads import begin

_MOST_EARLIER = 3


class _Question(BaseModel):
    question: str = Field(min_length=1, max_length=MAX_QUESTION_LENGTH)
    agent: str = AUTO
    conversation: UUID | None = None
    earlier: tuple[Annotated[str, Field(max_length=MAX_QUESTION_LENGTH)], ...] = Field((), max_length=_MOST_EARLIER)
    """The user's own earlier questions, oldest first: the router reads them for one that only makes sense after."""


def page_routes(
    chain: Chain, identity: Identity, pages: Pages, executor: Executor, answer_s: float, history: History | None
) -> APIRouter:
    """``/logout``, ``/`` and ``/ask``; an answer may take ``answer_s`` seconds and is kept where there is a history."""
    router = APIRouter()

    @router.post("/logout")
    def logout(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        session = identity.session(request)
        response = RedirectResponse("/login", 303)
        if session is not None:
            _require_csrf(session, csrf)
            identity.log_out(session)
        identity.forget_session(request, response)
        return response

    @router.get("/")
    def chat(request: Request) -> Response:
        session = identity.session(request)
        if session is None:
            response = RedirectResponse("/login", 303)
            identity.forget_session(request, response)
            return response
        return pages.page(
            request,
            "chat.html",
            session=session,
            here="chat",
            agents=chain.agents_for(session.principal),
            max_length=MAX_QUESTION_LENGTH,
        )

    @router.post("/ask")
    async def ask(request: Request) -> Response:
        session = await run_in_threadpool(identity.session, request)
        if session is None:
            raise HTTPException(401, "You are signed out. Sign in and ask again.")
        _require_csrf(session, request.headers.get("x-csrf-token"))
        asked = await _question(request)
        agent = await run_in_threadpool(_agent, chain, session.principal, asked.agent)
        start = partial(chain.stream, session.principal, asked.question, agent=agent, context=asked.earlier)
        still = identity.still_live(request, session.principal)
        events = await begin(in_thread(executor, start, still=still, limit_s=answer_s))
        return EventStream(_frames(events, history, session.principal, asked))

    return router


def _require_csrf(session: Session, given: str | None) -> None:
    if not csrf_matches(session.token, given):
        raise HTTPException(403, "This page is out of date. Load it again, then repeat.")


async def _question(request: Request) -> _Question:
    try:
        asked = _Question.model_validate(read_json(await request.body()))
    except (BadJson, ValidationError):
        raise HTTPException(400, f"A question has 1 to {MAX_QUESTION_LENGTH} characters.") from None
    if not asked.question.strip():
        raise HTTPException(400, "The question is empty.")
    return asked


def _agent(chain: Chain, principal: Principal, name: str) -> str | None:
    if name == AUTO:
        return None
    if name not in {agent.name for agent in chain.agents_for(principal)}:
        raise HTTPException(404, "There is no such agent.")
    return name


async def _frames(
    events: AsyncGenerator[Event | KeepAlive], history: History | None, principal: Principal, asked: _Question
) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        try:
            async for event in events:
                yield event_frame(event)
                if isinstance(event, Answer) and history is not None:
                    yield await run_in_threadpool(_kept, history, principal, asked, event)
        except AccessEnded as ended:
            yield frame("problem", {"text": str(ended)})
        except TimeLimitReached:
            yield frame("problem", {"text": TOO_LONG})
        except Exception:
            LOG.exception("an answer failed")
            yield frame("problem", {"text": FAILED})


def _kept(history: History, principal: Principal, asked: _Question, answer: Answer) -> bytes:
    """The number of the conversation; an answer that cannot be kept is an answer all the same."""
    try:
        number = history.keep(principal, asked.conversation, asked.question, answer)
    except DatabaseUnavailable:
        LOG.exception("an answer could not be kept")
        return b": not kept\n\n"
    return frame("kept", {"conversation": str(number)})
