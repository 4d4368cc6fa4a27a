"""Work that nobody waits for any longer is stopped where it stands: in an engine, in a database, in a queue.

Whoever starts a piece of work opens a scope around it with a ``Cancellation``; what may take long inside asks for the
``current`` one. So no function between the two has to pass it on, and none can forget to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from allotment.errors import Cancelled


class Cancellation:
    """A signal that a piece of work is no longer wanted. Thread-safe; once given it stays."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._why: Cancelled | None = None
        self._calls: list[Callable[[], object]] = []

    @property
    def given(self) -> bool:
        """Whether it was given."""
        return self._why is not None

    def cancel(self, why: Cancelled) -> None:
        """Give the signal; the first reason stays."""
        with self._lock:
            if self._why is not None:
                return
            self._why, calls = why, tuple(self._calls)
        for call in calls:
            call()

    def require(self) -> None:
        """Nothing while the work is wanted.

        Raises:
            Cancelled: it is not.
        """
        if self._why is not None:
            raise type(self._why)(self._why.message)

    @contextmanager
    def calling(self, call: Callable[[], object]) -> Iterator[None]:
        """Have ``call`` called once when the signal comes while the body runs, at once if it came before.

        It is called by the thread that gives the signal, so it must not wait for anything.
        """
        with self._lock:
            given = self._why is not None
            if not given:
                self._calls.append(call)
        if given:
            call()
        try:
            yield
        finally:
            with self._lock:
                if call in self._calls:
                    self._calls.remove(call)


_CURRENT: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


@contextmanager
def cancellable(cancellation: Cancellation) -> Iterator[None]:
    """What runs in the body, in this thread, is stopped when the signal comes."""
    token = _CURRENT.set(cancellation)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current() -> Cancellation:
    """The signal of the work that runs here; one that is never given where nobody opened a scope."""
    return _CURRENT.get() or Cancellation()
