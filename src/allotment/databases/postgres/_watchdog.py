"""The watchdog: ends statements that outlive their time, whatever their session's own limits are by then.

One thread serves all connections of the process. It lives while there is something to watch and a little longer.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Condition, Lock, Thread
from typing import Any

import psycopg
from psycopg import Connection

from allotment.cancellation import current

CANCEL_S = 1.0
"""Seconds the server has to take a cancel request."""
CUT_S = 2.0
"""Seconds after the first cancel request when the connection itself is cut: the server hangs, or is gone."""
AGAIN_S = 0.2
"""Seconds between cancel requests: one that comes between two statements ends neither."""
_IDLE_S = 10.0


@dataclass(eq=False)
class Watch:
    """One watched connection."""

    connection: Connection[Any]
    due: float
    """When to act, on the monotonic clock."""
    ended: bool = False
    """Whether the watchdog had to act."""
    cut_at: float = float("inf")
    """When the connection is cut, once a cancel request was sent."""
    _over: bool = False
    _lock: Lock = field(default_factory=Lock)

    def act(self) -> None:
        """Cancel the statement, again and again, then cut the connection. Nothing once ``leave`` was called."""
        with self._lock:
            if self._over:
                return
            now = time.monotonic()
            if not self.ended:
                self.ended, self.cut_at = True, now + CUT_S
            late = now >= self.cut_at
            self.due = float("inf") if late else min(now + AGAIN_S, self.cut_at)
            with suppress(psycopg.Error, OSError):
                if late:
                    _cut(self.connection)
                else:
                    self.connection.cancel_safe(timeout=CANCEL_S)

    def leave(self) -> None:
        """Wait until nobody acts on the connection; nobody will afterwards, so that it may be closed."""
        with self._lock:
            self._over = True


def _cut(connection: Connection[Any]) -> None:
    # A copy of the descriptor: the connection's own stays open until its thread closes it.
    with socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


class Watchdog:
    """Watches connections with one thread."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._watches: set[Watch] = set()
        self._thread: Thread | None = None
        self._wakes_at = 0.0
        """When the thread looks again by itself."""

    @contextmanager
    def over(self, connection: Connection[Any], seconds: float) -> Iterator[Watch]:
        """Watch a connection while the body runs: it gets ``seconds``, then its statement is cancelled.

        It is cancelled at once when nobody waits for the answer any longer.
        """
        watch = Watch(connection, time.monotonic() + seconds)
        with self._changed:
            self._watches.add(watch)
            if self._thread is None:
                self._wakes_at = 0.0
                self._thread = Thread(target=self._run, name="database-watchdog", daemon=True)
                self._thread.start()
            if watch.due < self._wakes_at:
                self._changed.notify()
        try:
            with current().calling(lambda: self._hurry(watch)):
                yield watch
        finally:
            with self._changed:
                self._watches.discard(watch)
            watch.leave()

    def _hurry(self, watch: Watch) -> None:
        with self._changed:
            watch.due = min(watch.due, time.monotonic())
            self._changed.notify()

    def _run(self) -> None:
        while (watch := self._next()) is not None:
            watch.act()

    def _next(self) -> Watch | None:
        """The next watch whose time has come; none when there was nothing to watch for a while."""
        with self._changed:
            idle_until = time.monotonic() + _IDLE_S
            while True:
                now = time.monotonic()
                first = min(self._watches, key=lambda watch: watch.due, default=None)
                if first is not None and first.due <= now:
                    return first
                if first is not None:
                    idle_until = now + _IDLE_S
                elif now >= idle_until:
                    self._thread = None
                    return None
                self._wakes_at = min(first.due if first else idle_until, now + _IDLE_S)
                self._changed.wait(self._wakes_at - now)


WATCHDOG = Watchdog()
"""The process's one watchdog."""
