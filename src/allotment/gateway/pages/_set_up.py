"""The page behind a one-time set-up link: a user chooses his password."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from allotment.access import Principal
from allotment.errors import AccessDenied
from allotment.gateway.identity._cookies import LOGIN_COOKIE
from allotment.gateway.identity._identity import NOBODY, Identity, address_of
from allotment.gateway.identity._passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from allotment.gateway.pages._password_words import DIFFERENT, fault_of
from allotment.gateway.pages._render import Pages
from allotment.gateway.web._security import LOG, csrf_matches, csrf_token
from allotment.gateway.wording import Message, say

NO_LINK = say("This link was used already, or has grown old. Ask an administrator for a new one.")
FORM_EXPIRED = say("This form had grown old. Please try once more.")
NOT_RECORDED = say("No password can be set at the moment. Please try again later.")


class SetUp:
    """Shows the form and uses the link. A look at the page uses nothing up, so that a mail scanner cannot."""

    def __init__(self, identity: Identity, pages: Pages) -> None:
        self._identity = identity
        self._pages = pages

    def show(self, request: Request, token: str = "") -> Response:
        """The form, if the link is good."""
        return self._form(request, token)

    def choose(
        self,
        request: Request,
        token: Annotated[str, Form(max_length=200)] = "",
        password: Annotated[str, Form(max_length=2000)] = "",
        again: Annotated[str, Form(max_length=2000)] = "",
        csrf: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        """Set the password; the link is used up and the user's sessions end."""
        if not csrf_matches(self._identity.cookies.get(request, LOGIN_COOKIE), csrf):
            return self._form(request, token, 403, FORM_EXPIRED)
        if password != again:
            return self._form(request, token, 400, DIFFERENT)
        try:
            return self._set(request, token, password)
        except AccessDenied:
            LOG.exception("a set-up could not be recorded")
            return self._form(request, token, 503, NOT_RECORDED)

    def _set(self, request: Request, token: str, password: str) -> Response:
        found = self._identity.users.user_of_link(token)
        if found is None:
            return self._no_link(request)
        fault = fault_of(found[0], password)
        if fault is not None:
            return self._form(request, token, 400, fault)
        self._identity.record(Principal(*found), "set-up", {"address": address_of(request)})
        if self._identity.users.set_up(token, password) is None:
            return self._no_link(request)
        response = RedirectResponse("/login?set-up", 303)
        self._identity.forget_session(request, response)
        return response

    def _form(self, request: Request, token: str, status: int = 200, message: Message | str = "") -> Response:
        found = self._identity.users.user_of_link(token)
        if found is None:
            return self._no_link(request)
        secret = self._identity.login_secret(request)
        response = self._pages.page(
            request,
            "set_up.html",
            status,
            csrf=csrf_token(secret),
            token=token,
            name=found[0],
            message=message,
            shortest=MIN_PASSWORD_LENGTH,
            longest=MAX_PASSWORD_LENGTH,
        )
        self._identity.cookies.set(request, response, LOGIN_COOKIE, secret)
        return response

    def _no_link(self, request: Request) -> Response:
        detail = {"presented": "a set-up link", "why": "it is unknown, used or expired"}
        self._identity.refusals.note(NOBODY, "request-refused", detail, address_of(request))
        return self._pages.page(request, "set_up.html", 404, name="", message=NO_LINK)
