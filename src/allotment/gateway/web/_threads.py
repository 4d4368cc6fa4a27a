"""The threads answers run in, and the beginning of one: what refuses it does so before a response is begun."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from threading import Condition
from typing import Any

from allotment.answering import Event
from allotment.errors import DatabaseUnavailable, RateLimited
from allotment.gateway.web._stream import Began, KeepAlive


class AnswerThreads(ThreadPoolExecutor):
    """Threads that know the request they work for. More work than there are threads is refused, never piled up."""

    def __init__(self, most: int) -> None:
        super().__init__(most, thread_name_prefix="answer")
        self._most = most
        self._busy = 0
        self._guard = Condition()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See ``Executor.submit``.

        Raises:
            RateLimited: all threads are taken.
        """
        with self._guard:
            if self._busy >= self._most:
                raise RateLimited("Too much is asked here at the moment.", retry_after_s=5)
            self._busy += 1
        try:
            future = super().submit(copy_context().run, fn, *args, **kwargs)
        except BaseException:
            self._done()
            raise
        future.add_done_callback(self._done)
        return future

    def drain(self, most_s: float) -> bool:
        """Wait until nothing runs any more, so that what is ended is on record; returns whether that came."""
        with self._guard:
            return self._guard.wait_for(lambda: self._busy == 0, most_s)

    def _done(self, future: Future[Any] | None = None) -> None:
        with self._guard:
            self._busy -= 1
            self._guard.notify_all()


async def begin(events: AsyncGenerator[Event | KeepAlive]) -> AsyncGenerator[Event | KeepAlive]:
    """``events`` as ``in_thread`` gives them, once the answer was begun: nothing refused it.

    Raises:
        RateLimited: a limit is reached; a response with that status can still be given.
        DatabaseUnavailable: it could not be counted.
    """
    try:
        async for event in events:
            if isinstance(event, Began):
                break
    except (RateLimited, DatabaseUnavailable):
        raise
    except Exception as error:
        return _broken(error)
    except BaseException:
        await events.aclose()
        raise
    return events


async def _broken(error: Exception) -> AsyncGenerator[Event | KeepAlive]:
    """An answer that broke where it began: told where every broken answer is."""
    raise error
    yield KeepAlive()
