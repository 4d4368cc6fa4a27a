"""The login form, the set-up page, and the way to the company's provider and back; all work without a script."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from allotment.access import Principal
from allotment.errors import AccessDenied
from allotment.gateway.identity._cookies import LOGIN_COOKIE
from allotment.gateway.identity._identity import Identity, address_of
from allotment.gateway.identity._passwords import clean_name
from allotment.gateway.identity._provider import CALLBACK_PATH, Provider
from allotment.gateway.pages._provider_login import ProviderLogin
from allotment.gateway.pages._render import Pages
from allotment.gateway.pages._set_up import SetUp
from allotment.gateway.web._security import LOG, csrf_matches, csrf_token
from allotment.gateway.wording import Message, say, say_many

WRONG = say("This name and password do not go together. Check both and try again.")
NOT_RECORDED = say(
    "Nobody can sign in at the moment. Please try again later; if it stays, tell the people who run this service."
)
FORM_EXPIRED = say("This form had grown old. Please try once more.")
PASSWORD_SET = say("Your password is set. Sign in with it.")


def login_routes(identity: Identity, pages: Pages) -> APIRouter:
    """``/login``; ``/set-up`` where there are passwords; ``/login/oidc`` and its way back where there is a provider.

    Raises:
        ProjectError: the secret of the provider's client is not where the project says.
    """
    router = APIRouter()
    settings = identity.users.settings
    login = Login(identity, pages)
    router.add_api_route("/login", login.show, methods=["GET"], response_model=None)
    if settings.passwords:
        router.add_api_route("/login", login.enter, methods=["POST"], response_model=None)
        set_up = SetUp(identity, pages)
        router.add_api_route("/set-up", set_up.show, methods=["GET"], response_model=None)
        router.add_api_route("/set-up", set_up.choose, methods=["POST"], response_model=None)
    if settings.oidc is not None:
        provider = ProviderLogin(identity, Provider(settings.oidc, settings.base_url), pages, login.form)
        router.add_api_route("/login/oidc", provider.leave, methods=["GET"], response_model=None)
        router.add_api_route(CALLBACK_PATH, provider.come_back, methods=["GET"], response_model=None)
    return router


class Login:
    """The login form. Every login is on record, and every wrong one that was looked at."""

    def __init__(self, identity: Identity, pages: Pages) -> None:
        self._identity = identity
        self._pages = pages

    def show(self, request: Request) -> Response:
        """The empty form, or the chat for someone who is logged in."""
        if self._identity.session(request) is not None:
            return RedirectResponse("/", 303)
        note = PASSWORD_SET if "set-up" in request.query_params else self._identity.why_ended(request)
        response = self.form(request, note=note)
        self._identity.forget_session(request, response)
        return response

    def enter(
        self,
        request: Request,
        name: Annotated[str, Form(max_length=200)] = "",
        password: Annotated[str, Form(max_length=2000)] = "",
        csrf: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Check name and password; a session that was there before ends, and a new one begins."""
        if not csrf_matches(self._identity.cookies.get(request, LOGIN_COOKIE), csrf):
            return self.form(request, 403, FORM_EXPIRED, name)
        try:
            return self._checked(request, name, password)
        except AccessDenied:
            LOG.exception("a login could not be recorded")
            return self.form(request, 503, NOT_RECORDED, name)

    def form(
        self,
        request: Request,
        status: int = 200,
        message: Message | str = "",
        name: str = "",
        note: Message | str = "",
    ) -> Response:
        """The form with words above it: a fault, or a note."""
        secret = self._identity.login_secret(request)
        settings = self._identity.users.settings
        response = self._pages.page(
            request,
            "login.html",
            status,
            csrf=csrf_token(secret),
            message=message,
            note=note,
            name=name,
            passwords=settings.passwords,
            provider=settings.oidc.label if settings.oidc else "",
        )
        self._identity.cookies.set(request, response, LOGIN_COOKIE, secret)
        return response

    def _checked(self, request: Request, name: str, password: str) -> Response:
        users, address = self._identity.users, address_of(request)
        was_locked = users.locked_for(name, address) > 0
        principal = users.authenticate(name, password, address)
        if principal is None:
            if not was_locked:  # the tries that locked it are on record; more of them tell nothing and fill it
                who = Principal(clean_name(name) or "", "")
                self._identity.record(who, "login-refused", {"why": str(WRONG), "address": address})
            wait_s = users.locked_for(name, address)
            return self._locked(request, name, wait_s) if wait_s else self.form(request, 401, WRONG, name)
        refusal = self._identity.refusal(principal)
        if refusal:
            self._identity.record(principal, "login-refused", {"why": str(refusal), "address": address})
            return self.form(request, 403, refusal, name)
        response = RedirectResponse("/", 303)
        self._identity.let_in(request, response, principal, "password")
        return response

    def _locked(self, request: Request, name: str, wait_s: int) -> Response:
        words = say_many(
            "Too many wrong tries. Wait %(num)s second, then try again.",
            "Too many wrong tries. Wait %(num)s seconds, then try again.",
            wait_s,
        )
        response = self.form(request, 429, words, name)
        response.headers["retry-after"] = str(wait_s)
        return response
