"""Places for answers in this process: so many at once, so many waiting for one, fairly between users."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Event, Lock

from allotment.errors import RateLimited

BUSY = "Everything here is busy at the moment."


@dataclass(eq=False)
class _Ticket:
    user: str
    admitted: Event = field(default_factory=Event)


class Places:
    """Hands out places. A free one goes to the user who holds fewest, then to who came first."""

    def __init__(self, places: int, queue: int, wait_s: float) -> None:
        """At most ``queue`` requests wait, each at most ``wait_s`` seconds."""
        self.places = places
        self.queue = queue
        self._wait_s = wait_s
        self._lock = Lock()
        self._held: Counter[str] = Counter()
        self._waiting: list[_Ticket] = []

    @property
    def taken(self) -> int:
        """How many answers are in the making."""
        return self._held.total()

    @property
    def waiting(self) -> int:
        """How many requests wait for a place."""
        return len(self._waiting)

    def enter(self, user: str) -> None:
        """Take a place for ``user``, after waiting for one where all are taken; ``leave`` gives it back.

        Raises:
            RateLimited: the queue is full, or no place came free in time.
        """
        ticket = _Ticket(user)
        with self._lock:
            self._waiting.append(ticket)
            self._admit()
            if not ticket.admitted.is_set() and len(self._waiting) > self.queue:
                self._waiting.remove(ticket)
                raise RateLimited(BUSY, retry_after_s=round(self._wait_s))
        if not ticket.admitted.wait(self._wait_s):
            self._give_up(ticket)

    def leave(self, user: str) -> None:
        """Give a place back."""
        with self._lock:
            self._held[user] -= 1
            if self._held[user] <= 0:
                del self._held[user]
            self._admit()

    def _give_up(self, ticket: _Ticket) -> None:
        with self._lock:
            if ticket.admitted.is_set():  # just now
                return
            self._waiting.remove(ticket)
        raise RateLimited(BUSY, retry_after_s=round(self._wait_s))

    def _admit(self) -> None:
        while self._waiting and self._held.total() < self.places:
            chosen = min(self._waiting, key=lambda ticket: self._held[ticket.user])  # the first of equals
            self._waiting.remove(chosen)
            self._held[chosen.user] += 1
            chosen.admitted.set()
