"""``/account``: where a user is signed in, and his password; the forms work without a script."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import RedirectResponse, Response

from allotment.answering import AgentInfo
from allotment.audit import EventKind
from allotment.errors import AccessDenied
from allotment.gateway._chain import Chain
from allotment.gateway.identity._identity import Identity, Session, address_of
from allotment.gateway.identity._passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from allotment.gateway.pages._password_words import DIFFERENT, fault_of
from allotment.gateway.pages._render import Pages
from allotment.gateway.web._security import LOG, csrf_matches
from allotment.gateway.wording import Message, say, say_many

CHANGED = say("Your password is changed. You are signed out everywhere else.")
WRONG = say("This is not your current password. Nothing was changed.")
NOT_RECORDED = say("Nothing can be changed at the moment. Please try again later.")
OUTDATED = say("This page is out of date. Load it again, then repeat.")
_Words = Annotated[str, Form(max_length=2000)]
_Token = Annotated[str, Form(max_length=200)]


def account_routes(identity: Identity, pages: Pages, chain: Chain) -> APIRouter:
    """The page and its forms; a password only where users have one here."""
    router = APIRouter()
    account = Account(identity, pages, chain)
    router.add_api_route("/account", account.show, methods=["GET"], response_model=None)
    router.add_api_route("/account/sessions/{number}/end", account.end, methods=["POST"], response_model=None)
    router.add_api_route("/account/sessions/end-others", account.end_others, methods=["POST"], response_model=None)
    if identity.users.settings.passwords:
        router.add_api_route("/account/password", account.change, methods=["POST"], response_model=None)
    return router


class Account:
    """A user's own account."""

    def __init__(self, identity: Identity, pages: Pages, chain: Chain) -> None:
        self._identity = identity
        self._pages = pages
        self._chain = chain

    def show(self, request: Request) -> Response:
        """The page, or the way to the login."""
        session = self._identity.session(request)
        if session is None:
            return RedirectResponse("/login", 303)
        return self._page(request, session, note=CHANGED if "changed" in request.query_params else "")

    def end(self, request: Request, number: int, csrf: _Token = "") -> Response:
        """Sign out one session; one that is over, or another user's, is no error and stays as it is."""
        session = self._changing(request, csrf)
        users = self._identity.users
        if any(one.id == number and one.is_this for one in users.sessions(session.principal.user, session.token)):
            self._identity.log_out(session)
            return RedirectResponse("/login", 303)
        if self._record(session, "session-ended", request):
            users.end_session_of(session.principal.user, number)
        return self._after(request, session)

    def end_others(self, request: Request, csrf: _Token = "") -> Response:
        """Sign out everywhere but here."""
        session = self._changing(request, csrf)
        if self._record(session, "session-ended", request):
            self._identity.users.end_other_sessions(session.principal.user, session.token)
        return self._after(request, session)

    def change(
        self, request: Request, current: _Words = "", password: _Words = "", again: _Words = "", csrf: _Token = ""
    ) -> Response:
        """Set a new password, given the one of now; every other session ends, and this one begins anew."""
        session = self._changing(request, csrf)
        user, users = session.principal.user, self._identity.users
        fault = DIFFERENT if password != again else fault_of(user, password)
        if fault is not None:
            return self._page(request, session, 400, password_fault=fault)
        address = address_of(request)
        if users.authenticate(user, current, address) is None:
            wait_s = users.locked_for(user, address)
            return self._page(request, session, 429 if wait_s else 401, current_fault=_wait(wait_s) or WRONG)
        if not self._record(session, "password-changed", request):
            return self._page(request, session, 503, password_fault=NOT_RECORDED)
        users.set_password(user, password)
        response = RedirectResponse("/account?changed", 303)
        try:
            self._identity.let_in(request, response, session.principal, "password")
        except AccessDenied:
            LOG.exception("a login after a change of password could not be recorded")
            self._identity.forget_session(request, response)
        return response

    def _after(self, request: Request, session: Session) -> Response:
        """The part of the page that changed, for htmx; else the whole page anew."""
        if "hx-request" not in request.headers:
            return RedirectResponse("/account", 303)
        return self._pages.page(request, "sessions.html", session=session, htmx=True, **self._sessions(session))

    def _page(
        self,
        request: Request,
        session: Session,
        status: int = 200,
        *,
        note: Message | str = "",
        current_fault: Message | str = "",
        password_fault: Message | str = "",
    ) -> Response:
        agents: tuple[AgentInfo, ...] = self._chain.agents_for(session.principal)
        return self._pages.page(
            request,
            "account.html",
            status,
            session=session,
            htmx=True,
            here="account",
            note=note,
            current_fault=current_fault,
            password_fault=password_fault,
            has_password=self._has_password(session),
            shortest=MIN_PASSWORD_LENGTH,
            longest=MAX_PASSWORD_LENGTH,
            agents=agents,
            **self._sessions(session),
        )

    def _has_password(self, session: Session) -> bool:
        return self._identity.users.settings.passwords and self._identity.users.has_password(session.principal.user)

    def _sessions(self, session: Session) -> dict[str, object]:
        return {"sessions": self._identity.users.sessions(session.principal.user, session.token)[::-1]}

    def _changing(self, request: Request, csrf: str) -> Session:
        session = self._identity.session(request)
        if session is None:
            raise HTTPException(401, say("You are signed out. Sign in and try again."))
        if not csrf_matches(session.token, csrf or request.headers.get("x-csrf-token")):
            raise HTTPException(403, OUTDATED)
        return session

    def _record(self, session: Session, kind: EventKind, request: Request) -> bool:
        """Whether it is on record; what cannot be recorded is not done."""
        try:
            self._identity.record(session.principal, kind, {"address": address_of(request)})
        except AccessDenied:
            LOG.exception("a change of an account could not be recorded")
            return False
        return True


def _wait(wait_s: int) -> Message | None:
    if not wait_s:
        return None
    return say_many(
        "Too many wrong tries. Wait %(num)s second, then try again.",
        "Too many wrong tries. Wait %(num)s seconds, then try again.",
        wait_s,
    )
