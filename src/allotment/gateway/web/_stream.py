"""The chain in a thread of its own: it is synchronous and busy, the gateway is asynchronous and many."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

from anyio import CancelScope
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.types import Send

from allotment.answering import Answer, Event
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


class Lines(StreamingResponse):
    """A file that is written while it is read; when the client goes away, its source is closed at once."""

    def __init__(self, lines: Generator[bytes], media_type: str, file_name: str) -> None:
        self._lines = lines
        headers = {"content-disposition": f'attachment; filename="{file_name}"'}
        super().__init__(lines, media_type=media_type, headers=headers)

    async def stream_response(self, send: Send) -> None:
        try:
            await super().stream_response(send)
        finally:
            with CancelScope(shield=True):
                await run_in_threadpool(self._lines.close)


async def in_thread(
    executor: Executor,
    start: Callable[[], Iterator[Event]],
    *,
    still: Still | None = None,
    limit_s: float | None = None,
    only: tuple[type[Event], ...] | None = None,
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
        only: kinds of events that are wanted; none wants all.

    Raises:
        AccessEnded: ``still`` said no.
        TimeLimitReached: the time was up, and the chain did not end within ``GRACE_S``.
    """
    inbox = _Inbox(asyncio.get_running_loop())
    work = _Work(inbox, still, limit_s)
    job = executor.submit(_drain, start, inbox.put, work, only)
    try:
        while True:
            item = await inbox.get()
            if item is None:
                yield KeepAlive()
                continue
            if work.revoked or not _allowed(still):
                raise AccessEnded
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            work.answered = work.answered or isinstance(item, Answer)
            yield item
    finally:
        work.leave("the client went away.")
        job.cancel()  # it may not have begun
        still = None  # an error that is kept somewhere keeps this frame, which must not keep on being watched


class _Inbox:
    """What the thread hands over to the loop, which is woken once for all that came together."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._items: deque[_Item] = deque()
        self._woken = False
        self._waiting: asyncio.Future[None] | None = None

    def put(self, item: _Item, *, first: bool = False) -> None:
        """Hand over, from any thread; ``first`` before whatever waits."""
        (self._items.appendleft if first else self._items.append)(item)
        if not self._woken:
            self._woken = True
            with suppress(RuntimeError):  # the loop may have been closed in between
                self.loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._woken = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def get(self) -> _Item | None:
        """The next; none when nothing came for ``KEEP_ALIVE_S`` seconds."""
        until = self.loop.time() + KEEP_ALIVE_S
        # The loop may be woken for what was taken already.
        while not self._items and self.loop.time() < until:
            self._waiting = self.loop.create_future()
            timer = self.loop.call_at(until, self._wake)
            try:
                await self._waiting
            finally:
                timer.cancel()
                self._waiting = None
        return self._items.popleft() if self._items else None


class _Work:
    """One run of the chain: how it is stopped, and whether its events are still taken. Its methods are the loop's."""

    def __init__(self, inbox: _Inbox, still: Still | None, limit_s: float | None) -> None:
        self.cancellation = Cancellation()
        self.left = threading.Event()
        self.revoked = False
        self.answered = False
        """Whether the answer came; what the chain has still to do is for nobody to wait for, and not to be stopped."""
        self._inbox = inbox
        self._still = still
        self._timers: list[asyncio.TimerHandle] = []
        if still is not None:
            self._later(STILL_EVERY_S, self._look)
        if limit_s is not None:
            late = TimeLimitReached(f"the answer took longer than {limit_s:g} s.")
            self._later(limit_s, lambda: self.cancellation.cancel(late))
            self._later(limit_s + GRACE_S, lambda: self._give_up(late))

    def leave(self, why: str) -> None:
        """Nobody takes any more events."""
        for timer in self._timers:
            timer.cancel()
        self._timers, self._still = [], None
        if not self.answered:
            self.left.set()
            self.cancellation.cancel(Cancelled(why))

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        self._timers.append(self._inbox.loop.call_later(seconds, do))

    def _look(self) -> None:
        """Ask ``still``; the reader learns of a no before any event that waits."""
        if _allowed(self._still):
            self._timers = [timer for timer in self._timers if timer.when() > self._inbox.loop.time()]
            self._later(STILL_EVERY_S, self._look)
            return
        self.revoked = True
        self.leave("whoever asked may not have the answer any longer.")
        self._inbox.put(_End(None), first=True)

    def _give_up(self, late: TimeLimitReached) -> None:
        self.left.set()
        self._inbox.put(_End(late))


def _allowed(still: Still | None) -> bool:
    try:
        return still is None or still()
    except Exception:
        return False


def _drain(
    start: Callable[[], Iterator[Event]],
    put: Callable[[_Item], None],
    work: _Work,
    only: tuple[type[Event], ...] | None,
) -> None:
    error: Exception | None = None
    try:
        with cancellable(work.cancellation):
            events = start()
            put(Began())
            try:
                for event in events:
                    if work.left.is_set():
                        break
                    if only is None or isinstance(event, only):
                        put(event)
            finally:
                # Closed here, in the thread that ran it: locks it holds belong to this thread.
                close = getattr(events, "close", None)
                if close is not None:
                    close()
    except Exception as caught:
        error = caught
    put(_End(error))
