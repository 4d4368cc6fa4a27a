"""The chain in a thread of its own: it is synchronous and busy, the gateway is asynchronous and many."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

from fastapi.responses import StreamingResponse
from starlette.types import Send

from allotment.answering import Event
from allotment.cancellation import Cancellation, cancellable
from allotment.errors import Cancelled, TimeLimitReached

KEEP_ALIVE_S = 15.0
STILL_EVERY_S = 1.0
"""How often it is asked whether the client may still have the answer."""
TOO_LONG = "The answer took too long and was ended."
GRACE_S = 5.0
"""Seconds the chain has to end an answer whose time is up, before the client is told without it."""

Still = Callable[[], bool]
"""Whether whoever asked may still have the answer; it must say so at once."""


class AccessEnded(Exception):
    """The one who asks lost his role, session or key while the answer was on its way: nothing more of it is sent."""

    def __init__(self) -> None:
        super().__init__("Your access ended or changed while this was being answered. Sign in and ask again.")


@dataclass(frozen=True)
class _End:
    error: Exception | None


class KeepAlive:
    """Nothing happened for ``KEEP_ALIVE_S`` seconds; sent on so that no proxy in between gives up."""


class Began(KeepAlive):
    """The answer was begun: nothing refused it."""


_Item = Event | Began | _End


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
    executor: Executor,
    start: Callable[[], Iterator[Event]],
    *,
    still: Still | None = None,
    limit_s: float | None = None,
) -> AsyncGenerator[Event | KeepAlive]:
    """``Began`` and the events of ``start()``, which runs from first to last in one thread of ``executor``.

    Leaving this iterator early (a client that went away) stops the engine, the statement or the wait the chain is in,
    and closes the chain.

    Args:
        executor: gives the thread.
        start: begins the chain.
        still: asked before every event and every second; once it says no, or fails, the chain is stopped and nothing
            more of the answer comes. None is always.
        limit_s: longest time in seconds; what takes longer is stopped, and the chain's last event says so.

    Raises:
        AccessEnded: ``still`` said no.
        TimeLimitReached: the time was up, and the chain did not end within ``GRACE_S``.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[_Item] = asyncio.Queue()
    work = _Work()

    def put(item: _Item) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, item)

    job = executor.submit(_drain, start, put, work)
    watches = [asyncio.create_task(_watch(work, queue, still)), asyncio.create_task(_time(work, queue, limit_s))]
    try:
        while True:
            try:
                # Not wait_for, which can lose the cancellation of a client that went away.
                async with asyncio.timeout(KEEP_ALIVE_S):
                    item = await queue.get()
            except TimeoutError:
                yield KeepAlive()
                continue
            if work.revoked or not _allowed(still):
                raise AccessEnded
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item
    finally:
        for watch in watches:
            watch.cancel()
        work.leave("the client went away.")
        job.cancel()  # it may not have begun
        still = None  # an error that is kept somewhere keeps this frame, which must not keep on being watched


class _Work:
    """One run of the chain: how it is stopped, and whether its events are still taken."""

    def __init__(self) -> None:
        self.cancellation = Cancellation()
        self.left = threading.Event()
        self.revoked = False

    def leave(self, why: str) -> None:
        self.left.set()
        self.cancellation.cancel(Cancelled(why))


async def _watch(work: _Work, queue: asyncio.Queue[_Item], still: Still | None) -> None:
    """Ask ``still``; the reader learns of a no before any event that waits."""
    if still is None:
        return
    while _allowed(still):
        await asyncio.sleep(STILL_EVERY_S)
    work.revoked = True
    work.leave("whoever asked may not have the answer any longer.")
    queue.put_nowait(_End(None))


def _allowed(still: Still | None) -> bool:
    try:
        return still is None or still()
    except Exception:
        return False


async def _time(work: _Work, queue: asyncio.Queue[_Item], limit_s: float | None) -> None:
    if limit_s is None:
        return
    await asyncio.sleep(limit_s)
    late = TimeLimitReached(f"the answer took longer than {limit_s:g} s.")
    work.cancellation.cancel(late)
    await asyncio.sleep(GRACE_S)
    work.left.set()
    queue.put_nowait(_End(late))


def _drain(start: Callable[[], Iterator[Event]], put: Callable[[_Item], None], work: _Work) -> None:
    error: Exception | None = None
    try:
        with cancellable(work.cancellation):
            events = start()
            put(Began())
            try:
                for event in events:
                    if work.left.is_set():
                        break
                    put(event)
            finally:
                # Closed here, in the thread that ran it: locks it holds belong to this thread.
                close = getattr(events, "close", None)
                if close is not None:
                    close()
    except Exception as caught:
        error = caught
    with suppress(RuntimeError):  # the loop may have been closed in between
        put(_End(error))
