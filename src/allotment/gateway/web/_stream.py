"""The chain in a thread of its own: it is synchronous and busy, the gateway is asynchronous and many."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

from fastapi.responses import StreamingResponse
from starlette.types import Send

from allotment.answering import Event

KEEP_ALIVE_S = 15.0
ASK_EVERY_S = 1.0
"""How often a stream in which nothing happens asks whether its user may still have the answer."""


class AccessEnded(Exception):
    """The one who asks lost his role, session or key while the answer was on its way."""

    def __init__(self) -> None:
        super().__init__("Your access ended or changed while this was being answered. Sign in and ask again.")


@dataclass(frozen=True)
class _End:
    error: Exception | None


class KeepAlive:
    """Nothing happened for ``KEEP_ALIVE_S`` seconds; sent on so that no proxy in between gives up."""


class Began(KeepAlive):
    """The answer was begun: nothing refused it."""


class EventStream(StreamingResponse):
    """Server-sent events; when the client goes away, their source is closed at once and not by the collector."""

    def __init__(self, frames: AsyncGenerator[bytes]) -> None:
        self._frames = frames
        # Balancers like nginx would otherwise collect a stream before they pass it on.
        super().__init__(frames, media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            await self._frames.aclose()


async def in_thread(
    executor: Executor, start: Callable[[], Iterator[Event]], *, still: Callable[[], bool] | None = None
) -> AsyncGenerator[Event | KeepAlive]:
    """``Began`` and the events of ``start()``, which runs from first to last in one thread of ``executor``.

    Leaving this iterator early (a client that went away) closes the other one at its next event.

    Args:
        executor: gives the thread.
        start: begins the answer.
        still: says whether the one who asks may still have the answer; it is asked before every event and every
            second, and must answer at once. None is always.

    Raises:
        AccessEnded: ``still`` said no; no event comes after that.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event | Began | _End] = asyncio.Queue()
    left = threading.Event()

    def put(item: Event | Began | _End) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, item)

    job = executor.submit(_drain, start, put, left)
    silent_s = 0.0
    try:
        while True:
            try:
                item = await asyncio.wait_for(queue.get(), ASK_EVERY_S)
            except TimeoutError:
                silent_s += ASK_EVERY_S
                item = None
            if still is not None and not still():
                raise AccessEnded
            if item is None:
                if silent_s >= KEEP_ALIVE_S:
                    silent_s = 0.0
                    yield KeepAlive()
                continue
            silent_s = 0.0
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        left.set()
        job.cancel()  # it may not have begun
        still = None  # an error that is kept somewhere keeps this frame, which must not keep on being watched


def _drain(
    start: Callable[[], Iterator[Event]], put: Callable[[Event | Began | _End], None], left: threading.Event
) -> None:
    error: Exception | None = None
    try:
        events = start()
        put(Began())
        try:
            for event in events:
                if left.is_set():
                    break
                put(event)
        finally:
            # Closed here, in the thread that ran it: locks it holds belong to this thread.
            close = getattr(events, "close", None)
            if close is not None:
                close()
    except Exception as caught:
        error = caught
    put(_End(error))
