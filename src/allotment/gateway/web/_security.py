"""What every response carries and every request is held against, whatever its route."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Sequence

from fastapi import HTTPException
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from allotment.gateway.web._problems import crash, problem
from allotment.gateway.web._request import fault_of
from allotment.gateway.wording import say

LOG = logging.getLogger("allotment.gateway")
Refused = Callable[[Scope, int], None]
"""Is told of each request that was refused for what it looks like, and with which status."""
_MALFORMED = frozenset({400, 408, 413, 414, 431})
"""Statuses that no well-meant request has."""

# No inline script or style runs and nothing comes from another host; with trusted types no script of ours can
# turn text into markup either, so a model's answer stays text.
_SOURCES = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)
CSP_HTMX = f"{_SOURCES}; trusted-types htmx"
"""For pages of ours whose parts htmx exchanges: one named policy, made once, whose only holder is htmx."""
SECURITY_HEADERS = {
    "content-security-policy": f"{_SOURCES}; trusted-types 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}
_SECURED = tuple((name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items())


def csrf_token(session_token: str) -> str:
    """The CSRF token of a session: derived from its secret, so that it holds for this session alone."""
    return hmac.new(session_token.encode(), b"allotment csrf", hashlib.sha256).hexdigest()


def csrf_matches(session_token: str | None, given: str | None) -> bool:
    """Whether ``given`` is this session's CSRF token, in constant time."""
    if not session_token or not given:
        return False
    return hmac.compare_digest(csrf_token(session_token).encode(), given.encode("utf-8", "surrogatepass"))


class SecurityMiddleware:
    """Sets the security headers, turns away what is wrong on every route, and turns a crash into a plain 500.

    It is the outermost part of the application: errors leave through it as well.
    """

    def __init__(
        self, app: ASGIApp, *, max_body_bytes: int, tls: bool, refused: Refused, hosts: Sequence[str] = ()
    ) -> None:
        self._app = app
        self._refused = refused
        self._hosts = tuple(name.lower() for name in hosts)
        self._max_body_bytes = max_body_bytes
        self._tls = tls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False
        fault = fault_of(scope, max_body_bytes=self._max_body_bytes, hosts=self._hosts)

        async def secured_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._secure(message, scope)
                if fault is not None or (message["status"] in _MALFORMED and not _is_form(scope)):
                    await run_in_threadpool(self._refused, scope, message["status"])
            await send(message)

        if fault is not None:
            # Closed, so that nothing of a body nobody read is taken for the next request.
            refused = problem(scope["path"], *fault, {"connection": "close"})
            await refused(scope, receive, secured_send)
            return
        try:
            await self._app(scope, self._bounded(receive), secured_send)
        except ClientDisconnect:
            return  # nobody is left to be answered
        except Exception:
            LOG.exception("%s %s failed", scope["method"], scope["path"])
            if started:
                raise
            await crash(scope)(scope, receive, secured_send)

    def _secure(self, message: Message, scope: Scope) -> None:
        own = list(_SECURED)
        if not scope["path"].startswith("/static/"):
            own.append((b"cache-control", b"no-store"))
        if self._tls or scope["scheme"] == "https":
            own.append((b"strict-transport-security", b"max-age=31536000"))
        names = {name for name, _ in own}
        if (b"content-security-policy", CSP_HTMX.encode()) in message["headers"]:
            own = [(name, CSP_HTMX.encode() if name == b"content-security-policy" else value) for name, value in own]
        message["headers"] = [*(each for each in message["headers"] if each[0].lower() not in names), *own]

    def _bounded(self, receive: Receive) -> Receive:
        received = 0

        async def bounded_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise HTTPException(413, _TOO_LARGE)
            return message

        return bounded_receive


def _is_form(scope: Scope) -> bool:
    """Whether somebody filled in a form; what is wrong with it is his mistake, and told him."""
    kinds = (value for name, value in scope["headers"] if name == b"content-type")
    return next(kinds, b"").startswith((b"application/x-www-form-urlencoded", b"multipart/form-data"))


_TOO_LARGE = say("The request is too large.")
