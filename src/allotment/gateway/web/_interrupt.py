"""``Interrupt``: what the current task does is ended from outside, without a task of its own around it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Interrupt:
    """A context manager. Calling it, in the event loop, ends the body, and the code behind the ``with`` goes on.

    As with ``asyncio.timeout``, a cancellation by anybody else goes through.
    """

    def __init__(self) -> None:
        self.given = False
        """Whether it was called while the body ran."""
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0

    def __call__(self) -> None:
        if self._task is not None and not self.given:
            self.given = True
            self._task.cancel()

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        self._cancelling = self._task.cancelling() if self._task is not None else 0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        task, self._task = self._task, None
        if not self.given or task is None:
            return False
        return task.uncancel() <= self._cancelling and kind is not None and issubclass(kind, asyncio.CancelledError)
