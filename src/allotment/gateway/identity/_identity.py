"""Who is asking: from the session cookie or the API key, and from nothing else in a request."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from allotment.access import Policy, Principal
from allotment.errors import PolicyError
from allotment.gateway.identity._users import UserStore
from allotment.gateway.web._problems import ApiError

SESSION_COOKIE = "allotment_session"
LOGIN_COOKIE = "allotment_login"
"""Carries the CSRF secret of the login form; it never becomes a session, so nothing can be fixed before a login."""


@dataclass(frozen=True)
class Session:
    """A live session: its secret token and whose it is."""

    token: str
    principal: Principal


class Identity:
    """Resolves requests to principals; a role that is not declared, or not for this user, is nobody."""

    def __init__(self, users: UserStore, policy: Policy, *, tls: bool) -> None:
        self.users = users
        self._policy = policy
        self._tls = tls

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
        token = request.cookies.get(SESSION_COOKIE)
        if not token:
            return None
        try:
            principal = self.declared(self.users.principal_of_session(token))
        except PolicyError:  # the login says why
            return None
        return Session(token, principal) if principal else None

    def require_key(self, request: Request) -> Principal:
        """The principal of a request's bearer key.

        Raises:
            ApiError: 401, the same for a missing, unknown and revoked key and for an undeclared role; 403 for a
                key whose user is declared with another role.
        """
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        principal = self.users.principal_of_key(key.strip()) if scheme.lower() == "bearer" else None
        try:
            principal = self.declared(principal)
        except PolicyError as error:
            raise ApiError(403, str(error), code="role_conflict") from None
        if principal is None:
            raise ApiError(401, "Incorrect or missing API key.", code="invalid_api_key")
        return principal

    def set_cookie(self, request: Request, response: Response, name: str, value: str) -> None:
        """Set a cookie that scripts cannot read, other sites cannot send, and that ends with the browser."""
        secure = self._tls or request.url.scheme == "https"
        response.set_cookie(name, value, path="/", httponly=True, samesite="strict", secure=secure)

    def login_secret(self, request: Request) -> str:
        """The secret of the login form: the browser's, or a new one."""
        return request.cookies.get(LOGIN_COOKIE) or secrets.token_urlsafe(32)
