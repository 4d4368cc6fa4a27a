"""``Exchange``: one request and its response, as those who run the gateway see it: no words of anybody in it."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from allotment.access import Principal

LIMITED = "limited"
"""Outcome of a request that a limit refused."""


@dataclass(eq=False)
class Exchange:
    """What is known of a request by now. The chain's thread writes, the event loop reads."""

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    started: float = field(default_factory=time.monotonic)
    principal: Principal | None = None
    """Who asks, once an answer was begun."""
    agent: str | None = None
    outcome: str | None = None
    decision: int | None = None
    """Number of the audit record of the decision."""
    remaining: Any = None
    """What the user may still take; see ``limits``."""
    reason: str | None = None
    """Why it is ended before its time; nothing of the answer leaves any more once this is set."""
    _loop: asyncio.AbstractEventLoop | None = None
    _stop: Callable[[], None] | None = None

    def end(self, reason: str) -> None:
        """End it, from any thread; a second reason does not replace the first."""
        if self.reason is None:
            self.reason = reason
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._stop_now)

    def bind(self, stop: Callable[[], None]) -> None:
        """It runs in this event loop, and ``stop`` is called there when it is ended before its time."""
        self._loop, self._stop = asyncio.get_running_loop(), stop
        if self.reason is not None:
            stop()

    def _stop_now(self) -> None:
        if self._stop is not None:
            self._stop()


_CURRENT: ContextVar[Exchange] = ContextVar("exchange")


def find() -> Exchange | None:
    """The request that is being answered, if there is one."""
    return _CURRENT.get(None)


def current() -> Exchange:
    """The request that is being answered; outside of one, an exchange that nobody looks at."""
    return find() or Exchange()


def begin() -> Exchange:
    """A new exchange, current from here on in this task and what it starts."""
    exchange = Exchange()
    _CURRENT.set(exchange)
    return exchange
