"""The client: very many asks, answered as fast as the model bears, in the order they are completed."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from functools import partial
from types import TracebackType
from typing import Protocol, Self

from allotment.errors import EngineError
from allotment.models.client._ask import Answer, Ask, Failure
from allotment.models.client._health import ClientState, Health
from allotment.models.client._slots import Slots
from allotment.models.client._window import Window


class Answerer(Protocol):
    """How one ask is answered, by a server or an engine."""

    @property
    def paused_s(self) -> float:
        """Seconds until anything is sent again."""
        ...

    @property
    def timeout_s(self) -> float | None:
        """What a request may take; none if nothing limits it."""
        ...

    async def answer(self, ask: Ask) -> Answer | Failure:
        """See ``ModelClient.complete``."""
        ...

    async def aclose(self) -> None:
        """Give back what it holds."""
        ...


class ModelClient:
    """Asks one model for completions. It belongs to one event loop; an asynchronous context manager that closes it."""

    def __init__(self, name: str, answerer: Answerer, window: Window, slots: Slots, health: Health) -> None:
        """Use ``open_client``."""
        self.name = name
        """Model name, as written in ``allotment.yaml``."""
        self._answerer = answerer
        self._window = window
        self._slots = slots
        self._health = health

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close connections, or wait for the engine's threads; end what is running before."""
        await self._answerer.aclose()

    @property
    def state(self) -> ClientState:
        """The counts of this moment; may be asked for from any thread."""
        health = self._health
        return ClientState(
            in_flight=self._slots.used,
            allowed=self._window.allowed,
            answered=health.answered,
            failed=health.failed,
            retried=health.retried,
            rate_limited=health.rate_limited,
            prompt_tokens=health.prompt_tokens,
            completion_tokens=health.completion_tokens,
            paused_s=self._answerer.paused_s,
            timeout_s=self._answerer.timeout_s,
        )

    async def complete(self, ask: Ask) -> Answer | Failure:
        """Ask for one completion.

        Raises:
            EngineError: the key or the model's name is wrong, or the server has given nothing but failures.
        """
        self._health.check()
        outcome = await self._answerer.answer(ask)
        self._health.note(outcome)
        return outcome

    async def run(self, asks: Iterable[Ask]) -> AsyncGenerator[tuple[Ask, Answer | Failure]]:
        """Answer many asks, in order of completion.

        Of ``asks`` no more is taken than may be in flight at the moment, counting what has not been handed out yet.
        Closing the iterator cancels what is in flight; use ``contextlib.aclosing``.

        Raises:
            EngineError: as of ``complete``; outcomes of what was tried before are handed out first, unless no
                request can succeed.
        """
        source = iter(asks)
        work = _Work(self)
        try:
            while True:
                while work.size < self._window.allowed and not self._health.gone:
                    ask = next(source, None)
                    if ask is None:
                        break
                    work.start(ask)
                if work.size == 0:
                    break
                ask, task = await work.next_done()
                if not (self._health.gone and isinstance(task.exception(), EngineError)):  # else there was no end to it
                    yield ask, task.result()
            if self._health.gone:
                self._health.check()
        finally:
            await work.cancel()


class _Work:
    """Tasks that are running, and those that are done and not handed out yet."""

    def __init__(self, client: ModelClient) -> None:
        self._client = client
        self._running: set[asyncio.Task[Answer | Failure]] = set()
        self._done: deque[tuple[Ask, asyncio.Task[Answer | Failure]]] = deque()
        self._changed = asyncio.Event()

    @property
    def size(self) -> int:
        return len(self._running) + len(self._done)

    def start(self, ask: Ask) -> None:
        task = asyncio.get_running_loop().create_task(self._client.complete(ask))
        self._running.add(task)
        task.add_done_callback(partial(self._finish, ask))

    def _finish(self, ask: Ask, task: asyncio.Task[Answer | Failure]) -> None:
        self._running.discard(task)
        self._done.append((ask, task))
        self._changed.set()

    async def next_done(self) -> tuple[Ask, asyncio.Task[Answer | Failure]]:
        while not self._done:
            self._changed.clear()
            await self._changed.wait()
        return self._done.popleft()

    async def cancel(self) -> None:
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, *(task for _, task in self._done), return_exceptions=True)
