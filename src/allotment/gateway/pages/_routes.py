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
from allotment.gateway.pages._wire import FAILED, Frames, frame
from allotment.gateway.web._json import BadJson, read_json
from allotment.gateway.web._security import LOG, csrf_matches
from allotment.gateway.web._stream import AccessEnded, EventStream, KeepAlive, in_thread
from allotment.gateway.web._threads import begin
from allotment.gateway.wording import Catalogue, catalogue, language_of, say

_MOST_EARLIER = 3
_LONG = 4000
"""Characters of an answer that is read as Markdown beside the event loop: others wait for that."""
ENDED = say("Your access ended or changed while this was being answered. Sign in and ask again.")
LATE = say("The answer took too long and was ended.")


class _Question(BaseModel):
    question: str = Field(min_length=1, max_length=MAX_QUESTION_LENGTH)
    agent: str = AUTO
    conversation: UUID | None = None
    earlier: tuple[Annotated[str, Field(max_length=MAX_QUESTION_LENGTH)], ...] = Field((), max_length=_MOST_EARLIER)
    """The user's own earlier questions, oldest first, for one that only makes sense after them."""


def page_routes(
    chain: Chain,
    identity: Identity,
    pages: Pages,
    executor: Executor,
    answer_s: float,
    history: History | None,
    *,
    feedback: bool = False,
) -> APIRouter:
    """``/logout``, ``/`` and ``/ask``.

    Args:
        chain: answers.
        identity: knows who asks.
        pages: renders.
        executor: gives the threads of answers.
        answer_s: seconds an answer may take.
        history: keeps answers; none keeps none.
        feedback: whether there is a ``/feedback`` to mark answers with.
    """
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
            return RedirectResponse("/login", 303)  # which says why, and takes the cookie away
        return pages.page(
            request,
            "chat.html",
            session=session,
            here="chat",
            agents=chain.agents_for(session.principal),
            kept=history is not None,
            feedback=feedback,
            max_length=MAX_QUESTION_LENGTH,
        )

    @router.post("/ask")
    async def ask(request: Request) -> Response:
        session = await run_in_threadpool(identity.session, request)
        if session is None:
            raise HTTPException(401, say("You are signed out. Sign in and ask again."))
        _require_csrf(session, request.headers.get("x-csrf-token"))
        asked = await _question(request)
        agent = await run_in_threadpool(_agent, chain, session.principal, asked.agent)
        start = partial(chain.stream, session.principal, asked.question, agent=agent, earlier=asked.earlier)
        still = identity.still_live(request, session.principal)
        events = await begin(in_thread(executor, start, still=still, limit_s=answer_s))
        words = catalogue(language_of(request))
        return EventStream(_frames(events, history, session.principal, asked, words))

    return router


def _require_csrf(session: Session, given: str | None) -> None:
    if not csrf_matches(session.token, given):
        raise HTTPException(403, say("This page is out of date. Load it again, then repeat."))


async def _question(request: Request) -> _Question:
    try:
        asked = _Question.model_validate(read_json(await request.body()))
    except (BadJson, ValidationError):
        words = say("A question has 1 to %(most)s characters.", most=MAX_QUESTION_LENGTH)
        raise HTTPException(400, words) from None
    if not asked.question.strip():
        raise HTTPException(400, say("The question is empty."))
    return asked


def _agent(chain: Chain, principal: Principal, name: str) -> str | None:
    if name == AUTO:
        return None
    if name not in {agent.name for agent in chain.agents_for(principal)}:
        raise HTTPException(404, say("There is no such agent."))
    return name


async def _frames(
    events: AsyncGenerator[Event | KeepAlive],
    history: History | None,
    principal: Principal,
    asked: _Question,
    words: Catalogue,
) -> AsyncGenerator[bytes]:
    frames = Frames()
    async with aclosing(events):
        try:
            async for event in events:
                is_long = isinstance(event, Answer) and len(event.text) > _LONG
                told = await run_in_threadpool(frames.of, event) if is_long else frames.of(event)
                if told:
                    yield told
                if isinstance(event, Answer) and history is not None:
                    yield await run_in_threadpool(_kept, history, principal, asked, event)
        except AccessEnded:
            yield frame("problem", {"text": words.say(ENDED), "signed_out": True})
        except TimeLimitReached:
            yield frame("problem", {"text": words.say(LATE)})
        except Exception:
            LOG.exception("an answer failed")
            yield frame("problem", {"text": words.say(FAILED)})


def _kept(history: History, principal: Principal, asked: _Question, answer: Answer) -> bytes:
    """The number of the conversation; an answer that cannot be kept is an answer all the same."""
    try:
        number = history.keep(principal, asked.conversation, asked.question, answer)
    except DatabaseUnavailable:
        LOG.exception("an answer could not be kept")
        return b": not kept\n\n"
    return frame("kept", {"conversation": str(number)})
