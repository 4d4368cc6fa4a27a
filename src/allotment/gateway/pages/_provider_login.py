"""The login with the company's own account: to the provider, and back with a code."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from allotment.access import Principal
from allotment.errors import AccessDenied
from allotment.gateway.identity._cookies import PROVIDER_COOKIE
from allotment.gateway.identity._id_token import LoginRefused
from allotment.gateway.identity._identity import NOBODY, Identity, address_of
from allotment.gateway.identity._provider import Provider, ProviderUnavailable
from allotment.gateway.identity._provider_entry import ProviderEntry
from allotment.gateway.pages._render import Pages
from allotment.gateway.web._security import LOG
from allotment.gateway.wording import Message, say

GROWN_OLD = say("This sign-in had grown old, or was begun elsewhere. Please sign in once more.")
NO_ACCESS = say("You are signed in with your company, but have no access here. Ask an administrator for it.")
NOT_NOW = say("Signing in with your company account does not work at the moment. Please try again later.")

Form = Callable[[Request, int, Message | str], Response]


class ProviderLogin:
    """Sends the browser to the provider and judges what it comes back with; every login is on record."""

    def __init__(self, identity: Identity, provider: Provider, pages: Pages, form: Form) -> None:
        self._identity = identity
        self._provider = provider
        self._entry = ProviderEntry(identity, provider.config)
        self._pages = pages
        self._form = form

    def leave(self, request: Request) -> Response:
        """To the provider, with a state and a nonce that only this browser can bring back."""
        browser = self._identity.cookies.get(request, PROVIDER_COOKIE) or secrets.token_urlsafe(32)
        try:
            address = self._provider.address_of(self._identity.users.begin_login(browser))
        except (ProviderUnavailable, LoginRefused):
            LOG.exception("a login with the provider could not begin")
            return self._form(request, 503, NOT_NOW)
        response = RedirectResponse(address, 303)
        self._identity.cookies.set(request, response, PROVIDER_COOKIE, browser)
        return response

    def come_back(self, request: Request) -> Response:
        """From the provider: whoever has exactly one role gets a session."""
        browser = self._identity.cookies.get(request, PROVIDER_COOKIE) or ""
        answer = dict(request.query_params)
        login = self._identity.users.take_login(browser, answer.get("state", ""))
        if login is None:
            self._refused(request, NOBODY, "the state is unknown, used, old, or another browser's")
            return self._form(request, 403, GROWN_OLD)
        try:
            claims = self._provider.claims(login, answer)
        except LoginRefused as error:  # anybody can send the likes of it
            self._refused(request, NOBODY, str(error))
            return self._form(request, 403, NO_ACCESS)
        except ProviderUnavailable:
            LOG.exception("a login with the provider could not be finished")
            return self._form(request, 503, NOT_NOW)
        try:
            return self._enter(request, claims)
        except AccessDenied:
            LOG.exception("a login with the provider could not be recorded")
            return self._form(request, 503, NOT_NOW)

    def _enter(self, request: Request, claims: Mapping[str, Any]) -> Response:
        detail = {"via": "oidc", "address": address_of(request)}
        try:
            principal = self._entry.principal_of(claims)
        except LoginRefused as error:
            self._identity.record(error.who, "login-refused", {**detail, "why": str(error), "subject": claims["sub"]})
            return self._form(request, 403, NO_ACCESS)
        refusal = self._identity.refusal(principal)
        if refusal:
            self._identity.record(principal, "login-refused", {**detail, "why": str(refusal)})
            return self._form(request, 403, refusal)
        # A redirect would be a request that another site began, and a strict cookie stays away from those.
        response = self._pages.page(request, "entered.html")
        self._identity.let_in(request, response, principal, "oidc")
        self._identity.cookies.clear(request, response, PROVIDER_COOKIE)
        return response

    def _refused(self, request: Request, principal: Principal, why: str) -> None:
        detail = {"via": "oidc", "why": why}
        self._identity.refusals.note(principal, "login-refused", detail, address_of(request))
