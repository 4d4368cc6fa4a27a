"""Events of a chain passed on, with what is to be done at each of them and once at their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Self

from allotment.answering import Event


class Watched(Iterator[Event]):
    """An iterator whose end is certain: ``end`` runs once, also when nobody ever asked for the first event."""

    def __init__(self, events: Iterator[Event], seen: Callable[[Event], None], end: Callable[[], None]) -> None:
        """``seen`` may raise; then the events end there, and that one is not passed on."""
        self._events = events
        self._seen = seen
        self._end = end
        self._closed = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        if self._closed:
            raise StopIteration
        try:
            event = next(self._events)
            self._seen(event)
        except BaseException:
            self.close()
            raise
        return event

    def close(self) -> None:
        """End the events inside, then tell; in the thread that ran them."""
        if self._closed:
            return
        self._closed = True
        try:
            close = getattr(self._events, "close", None)
            if close is not None:
                close()
        finally:
            self._end()
