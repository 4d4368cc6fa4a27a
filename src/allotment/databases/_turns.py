"""Turns: at most so many connections at once, of all accounts and of one; the others wait, fairly, and not for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from allotment.cancellation import current
from allotment.errors import LimitReached


@dataclass(eq=False)
class _Ticket:
    account: str
    admitted: bool = False
    woken: Event = field(default_factory=Event)
    """Set when it is admitted, or no longer wanted."""


class Turns:
    """Hands out connections' places. A free one goes to the account that holds fewest, then to who came first."""

    def __init__(self, total: int, per_account: int, wait_s: float) -> None:
        self._total = total
        self._per_account = per_account
        self._wait_s = wait_s
        self._lock = Lock()
        self._held: Counter[str] = Counter()
        self._waiting: list[_Ticket] = []

    @contextmanager
    def turn(self, account: str) -> Iterator[None]:
        """Hold one place for ``account`` while the body runs.

        Raises:
            LimitReached: none came free in time.
            Cancelled: nobody waits for the answer any longer.
        """
        ticket, wanted = _Ticket(account), current()
        with self._lock:
            self._waiting.append(ticket)
            self._admit()
        try:
            with wanted.calling(ticket.woken.set):
                ticket.woken.wait(self._wait_s)
            wanted.require()
            self._need(ticket)
            yield
        finally:
            self._leave(ticket)

    def _need(self, ticket: _Ticket) -> None:
        with self._lock:
            admitted = ticket.admitted
        if not admitted:
            raise too_many(ticket.account)

    def _leave(self, ticket: _Ticket) -> None:
        with self._lock:
            if not ticket.admitted:
                self._waiting.remove(ticket)
                return
            self._held[ticket.account] -= 1
            if not self._held[ticket.account]:
                del self._held[ticket.account]
            self._admit()

    def _admit(self) -> None:
        while self._held.total() < self._total:
            ready = [ticket for ticket in self._waiting if self._held[ticket.account] < self._per_account]
            if not ready:
                return
            chosen = min(ready, key=lambda ticket: self._held[ticket.account])  # the first of equals
            self._waiting.remove(chosen)
            self._held[chosen.account] += 1
            chosen.admitted = True
            chosen.woken.set()


def too_many(account: str) -> LimitReached:
    """The refusal of a question for which there is no connection."""
    return LimitReached("too many questions at once.", element=account, remedy="Ask again in a few seconds.")
