"""Routes of the administration: a route cannot be made without the part it belongs to and what it does there.

Before a handler runs: who asks is known from the session, an act carries the session's token, the door decided, and it
is on record. What is wrong on the way is a page in words.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from allotment.access import Principal, Verb
from allotment.errors import AccessDenied, DatabaseUnavailable
from allotment.gateway.administration import AdminFault, AdminGrant, Administration, AdminRefused
from allotment.gateway.identity._identity import Identity, Session, address_of
from allotment.gateway.pages._render import Pages
from allotment.gateway.web._security import LOG, csrf_matches
from allotment.gateway.wording import Message, say
from allotment.project import Part

MOST_FIELDS = 500
"""Fields of a form; many pairs may be decided about at once."""
OUT_OF_DATE = say("This page is out of date. Load it again, then repeat.")
NOT_YOURS = say("Your role may not do this here. Who may do what is declared in allotment.yaml.")
NOT_RECORDED = say("This cannot be recorded at the moment, so it does not happen. Please try again later.")
NOT_THERE = say("The database does not answer at the moment. Please try again later.")
SIGNED_OUT = say("You are signed out. Sign in and try again.")

Tell = Callable[["Visit"], Mapping[str, Any]]


@dataclass(frozen=True)
class Rule:
    """What a route needs: this verb on this part of the administration."""

    part: Part
    verb: Verb
    again: bool = False
    """Whether pages look at it again and again by themselves."""


@dataclass
class Visit:
    """One look or act of somebody who is signed in."""

    request: Request
    session: Session
    pages: Pages
    form: FormData = field(default_factory=FormData)
    _grant: AdminGrant | None = None

    @property
    def principal(self) -> Principal:
        """Who it is."""
        return self.session.principal

    @property
    def grant(self) -> AdminGrant:
        """What the door gave."""
        assert self._grant is not None
        return self._grant

    def asked(self, name: str, longest: int = 200) -> str:
        """A value of the address; empty where it is not there."""
        return self.request.query_params.get(name, "")[:longest]

    def place(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def given(self, name: str, longest: int = 20_000) -> str:
        """A value of the form."""
        value = self.form.get(name)
        return value[:longest] if isinstance(value, str) else ""

    def given_all(self, name: str) -> list[str]:
        """All values of a name in the form."""
        return [value for value in self.form.getlist(name) if isinstance(value, str)]

    def once(self) -> str:
        """What the form was made with, bound to the session: the same for a form that is sent twice."""
        nonce = self.given("nonce", 64)
        if len(nonce) != 32:
            raise AdminFault(OUT_OF_DATE, status=403)
        return hmac.new(self.session.token.encode(), f"once {nonce}".encode(), hashlib.sha256).hexdigest()

    def page(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """A page of the administration."""
        nonce = secrets.token_hex(16)
        return self.pages.page(
            self.request, f"admin/{template}", status, session=self.session, htmx=True, nonce=nonce, **values
        )

    @property
    def wants_part(self) -> bool:
        """Whether htmx asks for a part of the page alone."""
        return self.request.headers.get("hx-request") == "true"


Handler = Callable[[Visit], Response]


class AdminRouter:
    """Collects the administration's routes."""

    def __init__(self, admin: Administration, identity: Identity, pages: Pages) -> None:
        self.admin = admin
        self.router = APIRouter()
        self._identity = identity
        self._pages = pages

    def see(self, path: str, part: Part, handler: Handler, *, tell: Tell | None = None, again: bool = False) -> None:
        """A page that shows something. ``tell`` says what exactly is looked at, for the record."""
        self._add(path, "GET", Rule(part, "see", again), handler, tell)

    def act(self, path: str, part: Part, handler: Handler, *, verb: Verb = "change", tell: Tell | None = None) -> None:
        """A form. ``verb`` is ``see`` for one that changes nothing."""
        self._add(path, "POST", Rule(part, verb), handler, tell)

    def _add(self, path: str, method: str, rule: Rule, handler: Handler, tell: Tell | None) -> None:
        async def endpoint(request: Request) -> Response:
            form = await request.form(max_fields=MOST_FIELDS, max_files=0) if method == "POST" else FormData()
            return await run_in_threadpool(self._answer, request, form, rule, handler, tell)

        endpoint.rule = rule  # type: ignore[attr-defined]
        call: Callable[[Request], Awaitable[Response]] = endpoint
        self.router.add_api_route(path, call, methods=[method], response_model=None, name=path)

    def _answer(self, request: Request, form: FormData, rule: Rule, handler: Handler, tell: Tell | None) -> Response:
        session = self._identity.session(request)
        if session is None:
            return self._signed_out(request)
        visit = Visit(request, session, self._pages, form)
        if request.method == "POST" and not self._has_token(visit):
            return _told(visit, OUT_OF_DATE, 403)
        try:
            visit._grant = self._decided(visit, rule, tell)
            return handler(visit)
        except AdminRefused:
            return _told(visit, NOT_YOURS, 403)
        except AdminFault as fault:
            return _told(visit, fault.words, fault.status)
        except AccessDenied:
            LOG.exception("an administrator's visit could not be recorded")
            return _told(visit, NOT_RECORDED, 503)
        except DatabaseUnavailable:
            LOG.exception("the administration's database does not answer")
            return _told(visit, NOT_THERE, 503)

    def _has_token(self, visit: Visit) -> bool:
        given = visit.given("csrf", 200) or visit.request.headers.get("x-csrf-token")
        return csrf_matches(visit.session.token, given)

    def _decided(self, visit: Visit, rule: Rule, tell: Tell | None) -> AdminGrant:
        template = getattr(visit.request.scope.get("route"), "path", "")
        detail = {"page": template, **dict(visit.request.path_params), **(tell(visit) if tell else {})}
        address = address_of(visit.request)
        door = self.admin.door
        if rule.verb == "change":
            return door.change(visit.principal, rule.part, {"act": template, **detail}, address)
        look = door.see_again if rule.again else door.see
        return look(visit.principal, rule.part, detail, address)

    def _signed_out(self, request: Request) -> Response:
        if request.method == "POST" or request.headers.get("hx-request") == "true":
            return self._pages.page(request, "admin/signed_out.html", 401, words=SIGNED_OUT)
        response = RedirectResponse("/login", 303)
        self._identity.forget_session(request, response)
        return response


def _told(visit: Visit, words: Message | str, status: int) -> Response:
    """A fault in words; htmx gets the words alone."""
    if visit.wants_part:
        return visit.page("fault_part.html", status, words=words)
    return visit.page("fault.html", status, words=words, here="", back=_back(visit.request))


def _back(request: Request) -> str:
    """The page an act came from: its own address without the last part."""
    parts = request.url.path.rstrip("/").split("/")
    return "/".join(parts[:3]) or "/admin"


def changed(address: str, what: str) -> Response:
    """To a page that says what was done; loading it again does nothing."""
    separator = "&" if "?" in address else "?"
    return RedirectResponse(f"{address}{separator}done={what}", 303)
