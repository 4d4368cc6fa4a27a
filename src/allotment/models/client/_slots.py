"""Places for asks that are being answered, as many as the window allows at the moment."""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType

from allotment.models.client._window import Window


class Slots:
    """An asynchronous context manager that holds one place; places are given in order of arrival."""

    def __init__(self, window: Window) -> None:
        self.used = 0
        """Places taken."""
        self._window = window
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __aenter__(self) -> None:
        if self.used < self._window.allowed and not self._waiting:
            self.used += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it was given in the same moment
                self._release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _release(self) -> None:
        self.used -= 1
        while self._waiting and self.used < self._window.allowed:
            place = self._waiting.popleft()
            if not place.done():
                self.used += 1
                place.set_result(None)
