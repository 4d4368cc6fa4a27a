"""Requests that run: known one by one, ended before their time where they must be, and told in one line each."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from allotment.gateway.operations._exchange import Exchange, begin
from allotment.gateway.web._interrupt import Interrupt
from allotment.gateway.web._problems import API_PREFIX, openai_error, problem
from allotment.gateway.web._stream import TOO_LONG
from allotment.project import TimeoutsConfig

SLOW = "The request took too long to arrive."
STOPPING = "The service is being restarted. Please ask again in a moment."
LAST_WORDS_S = 10.0
"""Seconds a response has to end once its answer's time is up: the answer itself says so, if its client reads on."""

HEALTH = frozenset({"/healthz", "/readyz"})


class Running:
    """The requests of this process that are not finished, over all its event loops."""

    def __init__(self) -> None:
        self._exchanges: set[Exchange] = set()
        self.stopping = False
        """Whether no new answers are begun."""

    def __len__(self) -> int:
        return len(self._exchanges)

    def answering(self) -> tuple[Exchange, ...]:
        """Those whose answer was begun."""
        return tuple(exchange for exchange in tuple(self._exchanges) if exchange.principal is not None)

    def add(self, exchange: Exchange) -> None:
        """One more runs."""
        self._exchanges.add(exchange)

    def discard(self, exchange: Exchange) -> None:
        """It is finished."""
        self._exchanges.discard(exchange)

    def end_all(self, reason: str) -> int:
        """End everything that runs; returns how many there were."""
        running = tuple(self._exchanges)
        for exchange in running:
            exchange.end(reason)
        return len(running)


class RunningMiddleware:
    """Gives each request its exchange and its time. Once one is ended, not another byte of its answer leaves."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        running: Running,
        timeouts: TimeoutsConfig,
        finished: Callable[[Scope, int, Exchange, float], None],
    ) -> None:
        self._app = app
        self._running = running
        self._timeouts = timeouts
        self._finished = finished

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        if self._running.stopping and scope["path"] not in HEALTH:
            refused = problem(scope["path"], 503, STOPPING, {"retry-after": "5", "connection": "close"})
            await refused(scope, receive, send)
            return
        exchange = begin()
        self._running.add(exchange)
        response = _Response(scope, send, exchange)
        try:
            await self._run(scope, self._timed(receive, exchange), response, exchange)
        finally:
            self._running.discard(exchange)
            self._finished(scope, response.status, exchange, time.monotonic() - exchange.started)

    async def _run(self, scope: Scope, receive: Receive, response: _Response, exchange: Exchange) -> None:
        with Interrupt() as interrupt:
            exchange.bind(interrupt)
            most_s = self._timeouts.answer_s + LAST_WORDS_S
            timer = asyncio.get_running_loop().call_later(most_s, exchange.end, TOO_LONG)
            try:
                await self._app(scope, receive, response.send)
            except Exception:
                if exchange.reason is None:
                    raise
            finally:
                timer.cancel()
        if exchange.reason is not None and not response.complete:
            await response.finish(receive)

    def _timed(self, receive: Receive, exchange: Exchange) -> Receive:
        """The body within its time; afterwards only whether the client is still there."""
        whole = False

        async def timed_receive() -> Message:
            nonlocal whole
            if whole:
                return await receive()
            left = exchange.started + self._timeouts.request_s - time.monotonic()
            try:
                message = await asyncio.wait_for(receive(), max(left, 0.001))
            except TimeoutError:
                exchange.end(SLOW)
                raise
            whole = not message.get("more_body", False)
            return message

        return timed_receive


class _Response:
    """A response on its way out; it can be finished by an error at any point."""

    def __init__(self, scope: Scope, send: Send, exchange: Exchange) -> None:
        self._scope = scope
        self._send = send
        self._exchange = exchange
        self._is_stream = False
        self.status = 0
        self.complete = False

    async def send(self, message: Message) -> None:
        if self._exchange.reason is not None and not self.complete:
            return  # what is still on its way to the client is not sent any more
        await self._pass(message)

    async def _pass(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = message["headers"] = [*message["headers"], (b"x-request-id", self._exchange.id.encode())]
            headers += self._remaining()
            kind = next((value for name, value in headers if name == b"content-type"), b"")
            self._is_stream = kind.startswith(b"text/event-stream")
            self.status = message["status"]
        elif not message.get("more_body", False):
            self.complete = True
        await self._send(message)

    def _remaining(self) -> list[tuple[bytes, bytes]]:
        left = self._exchange.remaining
        if left is None:
            return []
        told = {
            "x-ratelimit-limit-requests": left.most_requests,
            "x-ratelimit-limit-tokens": left.most_tokens,
            "x-ratelimit-remaining-requests": left.requests,
            "x-ratelimit-remaining-tokens": left.tokens,
            "x-ratelimit-reset-requests": f"{left.requests_s}s",
            "x-ratelimit-reset-tokens": f"{left.tokens_s}s",
        }
        return [(name.encode(), str(value).encode()) for name, value in told.items()]

    async def finish(self, receive: Receive) -> None:
        """The error that stands in place of the rest."""
        reason = self._exchange.reason or ""
        path = self._scope["path"]
        if not self.status:
            status = 408 if reason == SLOW else 503
            response = problem(path, status, reason, {"retry-after": "5", "connection": "close"})
            await response(self._scope, receive, self._pass)
        elif not self.complete:
            # A body of a declared length cannot be ended by words; only streams are cut in the middle.
            frame = _error_frame(path, reason) if self._is_stream else b""
            await self._pass({"type": "http.response.body", "body": frame, "more_body": False})


def _error_frame(path: str, reason: str) -> bytes:
    if path.startswith(API_PREFIX + "/"):
        return f"data: {json.dumps(openai_error(503, reason))}\n\n".encode()
    return f"event: problem\ndata: {json.dumps({'text': reason})}\n\n".encode()
