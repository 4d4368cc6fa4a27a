"""The gateway's cookies: no script reads them, no other site sends them, and behind TLS no other host sets them."""

from __future__ import annotations

from typing import Literal

from fastapi import Request
from starlette.responses import Response

SESSION_COOKIE = "allotment_session"
LOGIN_COOKIE = "allotment_login"
"""Carries the CSRF secret of the forms before a login; it never becomes a session, so nothing is fixed before one."""
PROVIDER_COOKIE = "allotment_provider"
"""Ties a login at the provider to the browser that began it. It has to come back from another site, so it is the one
cookie that is not strict; it opens nothing by itself."""


class Cookies:
    """Reads and sets cookies as the way to the browser demands.

    Behind TLS the names begin with ``__Host-``: browsers take such a cookie only over TLS, for this very host and
    path, so a neighbouring host cannot plant one; a cookie without the prefix is not read there.
    """

    def __init__(self, *, tls: bool) -> None:
        self._tls = tls

    def name(self, request: Request, name: str) -> str:
        """What a cookie is called on this way."""
        return f"__Host-{name}" if self._is_secure(request) else name

    def get(self, request: Request, name: str) -> str | None:
        """A cookie's value; none if it is not there or empty."""
        return request.cookies.get(self.name(request, name)) or None

    def set(self, request: Request, response: Response, name: str, value: str) -> None:
        """Set a cookie that ends with the browser."""
        site: Literal["lax", "strict"] = "lax" if name == PROVIDER_COOKIE else "strict"
        secure = self._is_secure(request)
        response.set_cookie(self.name(request, name), value, path="/", httponly=True, samesite=site, secure=secure)

    def clear(self, request: Request, response: Response, name: str) -> None:
        """Take a cookie away."""
        site: Literal["lax", "strict"] = "lax" if name == PROVIDER_COOKIE else "strict"
        secure = self._is_secure(request)
        response.delete_cookie(self.name(request, name), path="/", httponly=True, samesite=site, secure=secure)

    def _is_secure(self, request: Request) -> bool:
        return self._tls or request.url.scheme == "https"
