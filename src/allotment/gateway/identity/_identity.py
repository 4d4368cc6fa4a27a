"""Who is asking: from the session cookie or the API key, and from nothing else in a request."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response
from starlette.types import Scope

from allotment.access import Policy, Principal
from allotment.audit import EventKind
from allotment.errors import AccessDenied, PolicyError
from allotment.gateway._recorder import Recorder
from allotment.gateway.identity._browser import browser_of
from allotment.gateway.identity._cookies import LOGIN_COOKIE, SESSION_COOKIE, Cookies
from allotment.gateway.identity._live import Credential
from allotment.gateway.identity._refusals import Refusals
from allotment.gateway.identity._store import Presented
from allotment.gateway.identity._users import UserStore
from allotment.gateway.identity._watch import Still, Watch
from allotment.gateway.web._problems import ApiError
from allotment.gateway.web._security import LOG
from allotment.gateway.wording import Message, say

NOBODY = Principal("", "")
NO_ROLE = say("Your account has no role here, so there is nothing it may ask. Ask an administrator for one.")
SESSION_ENDED = say("Your session has ended. Sign in again; a question you had begun is still there.")
MAX_NAME_SHOWN = 80
NOT_DECLARED = "its user's role is not declared, or declared otherwise"


@dataclass(frozen=True)
class Session:
    """A live session: its secret token and whose it is."""

    token: str
    principal: Principal


class Identity:
    """Resolves requests to principals; a role that is not declared, or not for this user, is nobody.

    A credential that was presented and is wrong is on record, so many a minute and no more.
    """

    def __init__(self, users: UserStore, policy: Policy, *, tls: bool, record: Recorder) -> None:
        self.users = users
        self.cookies = Cookies(tls=tls)
        self.record = record
        self.refusals = Refusals(record)
        self._policy = policy
        self._watch = Watch(self._live)

    def declared(self, principal: Principal | None) -> Principal | None:
        """The principal with his claims, if the project declares his role.

        Raises:
            PolicyError: the project declares another role or other claims for this user.
        """
        if principal is None or principal.role not in self._policy.roles:
            return None
        return self._policy.require_declared(principal)

    def session(self, request: Request) -> Session | None:
        """The live session of a request's cookie."""
        token = self.cookies.get(request, SESSION_COOKIE)
        if not token:
            return None
        found = self.users.find_session(token)
        principal = self._good(found)
        if principal is None:
            self._refused(request, found, "request-refused")
            return None
        request.state.credential, request.state.principal = Credential.of("session", token), principal
        return Session(token, principal)

    def require_key(self, request: Request) -> Principal:
        """The principal of a request's bearer key; what he may ask is no more than the key is good for.

        Raises:
            ApiError: 401, the same for a missing, unknown, revoked and expired key and for an undeclared role; 403 for
                a key whose user is declared with another role.
        """
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        key = given.strip()
        if scheme.lower() != "bearer" or not key:
            raise _no_key()
        found = self.users.find_key(key)
        try:
            principal = self.declared(found.principal) if found and not found.fault else None
        except PolicyError as error:
            self._refused(request, found, "key-refused")
            raise ApiError(403, str(error), code="role_conflict") from None
        if principal is None:
            self._refused(request, found, "key-refused")
            raise _no_key()
        request.state.credential, request.state.principal = Credential.of("key", key), principal
        return principal

    def refuse_agent(self, request: Request, principal: Principal, agent: str) -> None:
        """Put on record that a key was used for an agent it is not good for."""
        detail = {"presented": "a key", "why": "it is not good for this agent", "agent": agent[:MAX_NAME_SHOWN]}
        self.refusals.note(principal, "key-refused", detail, address_of(request))

    def note_malformed(self, scope: Scope, status: int) -> None:
        """Put on record that a request was refused for what it looks like; of its text nothing is kept."""
        principal = scope.get("state", {}).get("principal") or NOBODY
        self.note_unreadable((scope.get("client") or (None,))[0], f"status {status}", principal)

    def note_unreadable(self, address: str | None, why: str, principal: Principal = NOBODY) -> None:
        """The same of bytes that are no request at all."""
        self.refusals.note(principal, "request-refused", {"presented": "a malformed request", "why": why}, address)

    def still_live(self, request: Request, principal: Principal) -> Still:
        """Says, as often as it is called, whether what this request was let in with is still good.

        It is false once the session or key ended, or its user's role, claims or agents are not those of
        ``principal`` any more, a second or two after the change in whichever process; and once that could not be
        confirmed for ten seconds.
        """
        return self._watch.still(request.state.credential, principal)

    def is_live(self, credential: Credential, principal: Principal) -> bool:
        """Whether a credential is good now, for the very principal it was good for; one statement."""
        return self._live({credential}).get(credential) == principal

    def login_secret(self, request: Request) -> str:
        """The secret of the forms before a login: the browser's, or a new one."""
        return self.cookies.get(request, LOGIN_COOKIE) or secrets.token_urlsafe(32)

    def refusal(self, principal: Principal) -> Message | str:
        """Why somebody who proved who he is has no access; empty if he has."""
        try:
            return "" if self.declared(principal) else NO_ROLE
        except PolicyError as error:
            return str(error)

    def why_ended(self, request: Request) -> Message | str:
        """Words for somebody whose browser still has a session that is over; empty where it has none."""
        token = self.cookies.get(request, SESSION_COOKIE)
        if not token:
            return ""
        found = self.users.find_session(token)
        refusal = self.refusal(found.principal) if found and not found.fault else ""
        return refusal or SESSION_ENDED

    def let_in(self, request: Request, response: Response, principal: Principal, via: str) -> None:
        """Begin a session on ``response``: on record first, with a new token; the session before it ends.

        Raises:
            AccessDenied: it could not be recorded; nobody is let in.
        """
        self.record(principal, "logged-in", {"via": via, "address": address_of(request)})
        self.users.end_session(self.cookies.get(request, SESSION_COOKIE) or "")
        browser = browser_of(request.headers.get("user-agent", ""))
        token = self.users.start_session(principal.user, address_of(request), browser)
        self.cookies.set(request, response, SESSION_COOKIE, token)
        self.cookies.clear(request, response, LOGIN_COOKIE)

    def log_out(self, session: Session) -> None:
        """End a session its user is done with, whether that can be recorded or not."""
        self.users.end_session(session.token)
        try:
            self.record(session.principal, "logged-out", {})
        except AccessDenied:
            LOG.exception("a logout could not be recorded")

    def forget_session(self, request: Request, response: Response) -> None:
        """Take a session cookie that is good for nothing out of the browser."""
        if self.cookies.get(request, SESSION_COOKIE):
            self.cookies.clear(request, response, SESSION_COOKIE)

    def _good(self, found: Presented | None) -> Principal | None:
        try:
            return self.declared(found.principal) if found and not found.fault else None
        except PolicyError:  # the login says why
            return None

    def _live(self, credentials: Collection[Credential]) -> dict[Credential, Principal]:
        presented = {each: Presented(who, "") for each, who in self.users.live(credentials).items()}
        good = {each: self._good(found) for each, found in presented.items()}
        return {each: principal for each, principal in good.items() if principal is not None}

    def _refused(self, request: Request, found: Presented | None, kind: EventKind) -> None:
        why = (found.fault or NOT_DECLARED) if found else "nobody has it"
        who = found.principal if found else NOBODY
        detail = {"presented": "a key" if kind == "key-refused" else "a session cookie", "why": why}
        self.refusals.note(who, kind, detail, address_of(request))


def address_of(request: Request) -> str | None:
    """The client's address as the server sees it; a header that names another counts where the server trusts it."""
    return request.client.host if request.client else None


def _no_key() -> ApiError:
    return ApiError(401, "Incorrect or missing API key.", code="invalid_api_key")
