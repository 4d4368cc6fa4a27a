"""The cost cap: how many database seconds one user may take in a minute.

It counts time that was really taken. The planner's estimate of a statement is no measure here: it depends on rows
the account may not see, so refusing by it would tell about them.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from allotment.errors import LimitReached

WINDOW_S = 60.0
"""Length of the sliding window."""


class Budget:
    """Seconds taken by each user in the last minute. Thread-safe; kept in this process alone."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._lock = Lock()
        self._taken: dict[str, deque[tuple[float, float]]] = {}
        self._running: dict[str, list[float]] = {}

    @contextmanager
    def charged(self, user: str) -> Iterator[None]:
        """Charge ``user`` for the time the body takes, also when it fails.

        Raises:
            LimitReached: what the user took in the last minute, running statements included, is all there is.
        """
        began = self._begin(user)
        try:
            yield
        finally:
            self._end(user, began)

    def require(self, user: str) -> None:
        """Refuse a user whose seconds are spent.

        Raises:
            LimitReached: see ``charged``.
        """
        with self._lock:
            self._require(user, self._clock())

    def _begin(self, user: str) -> float:
        with self._lock:
            now = self._clock()
            self._require(user, now)
            self._running.setdefault(user, []).append(now)
            return now

    def _require(self, user: str, now: float) -> None:
        self._forget(now)
        taken = self._taken.get(user, deque())
        running = self._running.get(user, [])
        if sum(seconds for _, seconds in taken) + sum(now - began for began in running) >= self._seconds:
            wait = math.ceil(taken[0][0] + WINDOW_S - now) if taken else math.ceil(self._seconds)
            raise LimitReached(
                f"your questions took more than {self._seconds:g} seconds of the databases in a minute.",
                remedy=f"Ask again in {wait} seconds.",
            )

    def _end(self, user: str, began: float) -> None:
        with self._lock:
            now = self._clock()
            self._running[user].remove(began)
            if not self._running[user]:
                del self._running[user]
            self._taken.setdefault(user, deque()).append((now, now - began))

    def _forget(self, now: float) -> None:
        """Drop what is older than the window, and users with nothing left."""
        for user, taken in list(self._taken.items()):
            while taken and taken[0][0] <= now - WINDOW_S:
                taken.popleft()
            if not taken:
                del self._taken[user]
