"""The pages: login, logout, chat, and the stream behind the chat."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import Executor
from contextlib import aclosing
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field, ValidationError

from allotment.access import Principal
from allotment.answering import Event
from allotment.audit import EventKind
from allotment.errors import AccessDenied, PolicyError
from allotment.gateway._chain import Chain
from allotment.gateway.api._openai import AUTO
from allotment.gateway.api._requests import MAX_QUESTION_LENGTH
from allotment.gateway.identity._identity import LOGIN_COOKIE, SESSION_COOKIE, Identity, Session
from allotment.gateway.identity._passwords import clean_name
from allotment.gateway.pages._render import Pages
from allotment.gateway.pages._wire import FAILED, event_frame, frame
from allotment.gateway.web._json import BadJson, read_json
from allotment.gateway.web._security import LOG, csrf_matches, csrf_token
from allotment.gateway.web._stream import AccessEnded, EventStream, KeepAlive, in_thread
from allotment.project import AnswerLimits

WRONG = "This name and password do not go together. Check both and try again."
NO_ROLE = "Your account has no role here, so there is nothing it may ask. Ask an administrator for one."
NOT_RECORDED = (
    "Nobody can sign in at the moment. Please try again later; if it stays, tell the people who run this service."
)
FORM_EXPIRED = "This form had grown old. Please try once more."


class Recorder(Protocol):
    """Writes an event to the audit record; raises ``AccessDenied`` where it cannot."""

    def __call__(self, principal: Principal, kind: EventKind, detail: Mapping[str, Any]) -> int:
        """Returns the record's number."""
        ...


class _Question(BaseModel):
    question: str = Field(min_length=1, max_length=MAX_QUESTION_LENGTH)
    agent: str = AUTO


def page_routes(
    chain: Chain, identity: Identity, pages: Pages, executor: Executor, record: Recorder, limits: AnswerLimits
) -> APIRouter:
    """``/login``, ``/logout``, ``/`` and ``/ask``."""
    router = APIRouter()
    login = _Login(identity, pages, record)
    router.add_api_route("/login", login.show, methods=["GET"], response_model=None)
    router.add_api_route("/login", login.enter, methods=["POST"], response_model=None)

    @router.post("/logout")
    def logout(request: Request, csrf: Annotated[str, Form()] = "") -> Response:
        session = identity.session(request)
        if session is not None:
            _require_csrf(session, csrf)
            identity.users.end_session(session.token)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")
        return response

    @router.get("/")
    def chat(request: Request) -> Response:
        session = identity.session(request)
        if session is None:
            return RedirectResponse("/login", 303)
        return pages.page(
            "chat.html",
            principal=session.principal,
            agents=chain.agents_for(session.principal),
            csrf=csrf_token(session.token),
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
        principal, question = session.principal, asked.question
        events = in_thread(executor, lambda: chain.stream(principal, question, agent=agent), limit_s=limits.seconds)
        return EventStream(_frames(events))

    return router


class _Login:
    """The login form; it works without a script. Every login is on record, and every wrong one that was looked at."""

    def __init__(self, identity: Identity, pages: Pages, record: Recorder) -> None:
        self._identity = identity
        self._pages = pages
        self._record = record

    def show(self, request: Request) -> Response:
        """The empty form, or the chat for someone who is logged in."""
        if self._identity.session(request) is not None:
            return RedirectResponse("/", 303)
        return self._form(request)

    def enter(
        self,
        request: Request,
        name: Annotated[str, Form(max_length=200)] = "",
        password: Annotated[str, Form(max_length=2000)] = "",
        csrf: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Check name and password; a session that was there before ends, and a new one begins."""
        if not csrf_matches(request.cookies.get(LOGIN_COOKIE), csrf):
            return self._form(request, 403, FORM_EXPIRED, name)
        try:
            return self._checked(request, name, password)
        except AccessDenied:
            LOG.exception("a login could not be recorded")
            return self._form(request, 503, NOT_RECORDED, name)

    def _checked(self, request: Request, name: str, password: str) -> Response:
        users = self._identity.users
        was_locked = users.locked_for(name) > 0
        principal = users.authenticate(name, password)
        if principal is None:
            if not was_locked:  # the tries that locked it are on record; more of them tell nothing and fill it
                self._record(Principal(clean_name(name) or "", ""), "login-refused", {"why": WRONG})
            wait_s = users.locked_for(name)
            return self._locked(request, name, wait_s) if wait_s else self._form(request, 401, WRONG, name)
        refusal = self._refusal(principal)
        if refusal:
            self._record(principal, "login-refused", {"why": refusal})
            return self._form(request, 403, refusal, name)
        return self._enter(request, principal)

    def _refusal(self, principal: Principal) -> str:
        """Why somebody who gave the right password has no access; empty if he has."""
        try:
            return "" if self._identity.declared(principal) else NO_ROLE
        except PolicyError as error:
            return str(error)

    def _enter(self, request: Request, principal: Principal) -> Response:
        self._record(principal, "logged-in", {})
        users = self._identity.users
        users.end_session(request.cookies.get(SESSION_COOKIE, ""))
        response = RedirectResponse("/", 303)
        self._identity.set_cookie(request, response, SESSION_COOKIE, users.start_session(principal.user))
        response.delete_cookie(LOGIN_COOKIE, path="/", httponly=True, samesite="strict")
        return response

    def _locked(self, request: Request, name: str, wait_s: int) -> Response:
        words = f"Too many wrong tries. Wait {wait_s} seconds, then try again."
        response = self._form(request, 429, words, name)
        response.headers["retry-after"] = str(wait_s)
        return response

    def _form(self, request: Request, status: int = 200, message: str = "", name: str = "") -> Response:
        secret = self._identity.login_secret(request)
        response = self._pages.page("login.html", status, csrf=csrf_token(secret), message=message, name=name)
        self._identity.set_cookie(request, response, LOGIN_COOKIE, secret)
        return response


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


async def _frames(events: AsyncGenerator[Event | KeepAlive]) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        try:
            async for event in events:
                yield event_frame(event)
        except AccessEnded as ended:
            yield frame("problem", {"text": str(ended)})
        except Exception:
            LOG.exception("an answer failed")
            yield frame("problem", {"text": FAILED})
