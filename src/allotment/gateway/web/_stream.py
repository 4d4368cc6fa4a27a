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


async def in_thread(executor: Executor, start: Callable[[], Iterator[Event]]) -> AsyncGenerator[Event | KeepAlive]:
    """``Began`` and the events of ``start()``, which runs from first to last in one thread of ``executor``.

    Leaving this iterator early (a client that went away) closes the other one at its next event.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Event | Began | _End] = asyncio.Queue()
    left = threading.Event()

    def put(item: Event | Began | _End) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, item)

    job = executor.submit(_drain, start, put, left)
    try:
        while True:
            try:
                item = await asyncio.wait_for(queue.get(), KEEP_ALIVE_S)
            except TimeoutError:
                yield KeepAlive()
                continue
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        left.set()
        job.cancel()  # it may not have begun


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
