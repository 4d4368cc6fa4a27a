"""Who may compute: any number of requests of one model at a time, different models one after the other.

Two engines that compute at once on a few cores each run at less than half their speed; requests of one
model share a batch. Requests are let in by arrival, so that no model starves.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from allotment.cancellation import Cancellation, current


class ModelTurns:
    """Turns of models at the processor."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[tuple[object, str]] = deque()
        self._active: str | None = None
        self._running = 0

    @contextmanager
    def turn(self, model: str) -> Iterator[None]:
        """Hold the processor for a request of ``model``.

        Raises:
            Cancelled: the request was no longer wanted before its turn came.
        """
        wanted = current()
        with wanted.calling(self._wake):
            self._wait(model, wanted)
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                if self._running == 0:
                    self._active = None
                self._changed.notify_all()

    def _wait(self, model: str, wanted: Cancellation) -> None:
        ticket = (object(), model)
        with self._changed:
            self._waiting.append(ticket)
            self._changed.wait_for(
                lambda: wanted.given or (self._waiting[0] is ticket and self._active in (None, model))
            )
            self._waiting.remove(ticket)
            self._changed.notify_all()
            wanted.require()
            self._active = model
            self._running += 1

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
