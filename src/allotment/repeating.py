"""Work that is done again and again beside the rest, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

LAST_S = 30.0
"""So long the end waits for work that is under way; it must be such that it may be cut off."""


class Repeating:
    """Calls ``work`` at once, and again ``every_s`` seconds after each end. As a context manager it begins and ends."""

    def __init__(self, work: Callable[[], None], every_s: float, *, name: str) -> None:
        """``work`` raises nothing: what goes wrong in it is its own to tell."""
        self._work = work
        self._pause_s = every_s
        self._end = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join(LAST_S)

    def _run(self) -> None:
        while not self._end.is_set():
            self._work()
            self._end.wait(self._pause_s)
