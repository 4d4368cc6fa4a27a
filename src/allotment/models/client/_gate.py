"""The gate every request to a server passes: limits per minute, and pauses the server asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from allotment.models._engine import Message
from allotment.models.client._health import Health
from allotment.models.client._rate import PerMinute, Taken
from allotment.project import ModelLimits

_SHORTEST_S, _LONGEST_S = 0.001, 0.25
"""A look at the gate is repeated after this long: an answer that was shorter than expected makes room earlier."""


def estimated_tokens(messages: Sequence[Message], max_tokens: int) -> int:
    """Tokens a request may take, from four characters a token and the most it may write."""
    return sum(len(message.content) for message in messages) // 4 + 1 + max_tokens


class Gate:
    """Lets requests pass one after another, in order of arrival."""

    def __init__(self, limits: ModelLimits, health: Health) -> None:
        self._requests = PerMinute(limits.requests_per_minute) if limits.requests_per_minute else None
        self._tokens = PerMinute(limits.tokens_per_minute) if limits.tokens_per_minute else None
        self._health = health
        self._order = asyncio.Lock()
        self._closed_until_s = 0.0
        self._time: Callable[[], float] | None = None

    async def enter(self, tokens: int) -> Taken | None:
        """Wait until a request of so many tokens may be sent; what is returned is for ``correct``.

        Raises:
            EngineError: meanwhile it turned out that none may be sent any more.
        """
        async with self._order:
            self._health.check()
            while (wait_s := self._wait_s(tokens)) > 0:
                await asyncio.sleep(min(max(wait_s, _SHORTEST_S), _LONGEST_S))
                self._health.check()
            now_s = asyncio.get_running_loop().time()
            if self._requests:
                self._requests.take(1, now_s)
            return self._tokens.take(tokens, now_s) if self._tokens else None

    def correct(self, taken: Taken | None, tokens: int) -> None:
        """A request took so many tokens in truth."""
        if self._tokens is not None and taken is not None:
            self._tokens.correct(taken, tokens)

    def close_for(self, seconds: float) -> None:
        """Let nothing pass for so long."""
        self._time = asyncio.get_running_loop().time
        self._closed_until_s = max(self._closed_until_s, self._time() + seconds)

    @property
    def closed_s(self) -> float:
        """Seconds until requests may pass again; may be asked for from any thread."""
        return max(self._closed_until_s - self._time(), 0.0) if self._time else 0.0

    def _wait_s(self, tokens: int) -> float:
        now_s = asyncio.get_running_loop().time()
        requests_s = self._requests.wait_s(1, now_s) if self._requests else 0.0
        tokens_s = self._tokens.wait_s(tokens, now_s) if self._tokens else 0.0
        return max(self.closed_s, requests_s, tokens_s)
