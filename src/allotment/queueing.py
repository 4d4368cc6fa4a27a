"""Places that many want: so many at once, of all and of one holder; the others wait, fairly, and not for ever."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from threading import Event, Lock

from allotment.cancellation import current


@dataclass(eq=False)
class _Ticket:
    holder: str
    admitted: bool = False
    woken: Event = field(default_factory=Event)
    """Set when it is admitted, or no longer wanted."""


class FairQueue:
    """Hands out places. A free one goes to the holder who has fewest, then to who came first. Thread-safe."""

    def __init__(self, places: int, wait_s: float, *, each: int | None = None, most_waiting: int | None = None) -> None:
        """How much there is.

        Args:
            places: held at once, of all together.
            wait_s: seconds somebody waits at most.
            each: held at once by one holder; none is all.
            most_waiting: waiting at once; none bounds them by their time alone.
        """
        self.places = places
        self.wait_s = wait_s
        self.most_waiting = most_waiting
        self._each = each
        self._lock = Lock()
        self._held: Counter[str] = Counter()
        self._waiting: list[_Ticket] = []

    @property
    def taken(self) -> int:
        """How many places are held."""
        return self._held.total()

    @property
    def waiting(self) -> int:
        """How many wait for one."""
        return len(self._waiting)

    def enter(self, holder: str) -> bool:
        """Take a place, after waiting where there is none; ``leave`` gives it back.

        Returns:
            Whether there was one: false when too many wait, or none came free in time.

        Raises:
            Cancelled: nobody waits for the work any longer; no place is held.
        """
        ticket, wanted = _Ticket(holder), current()
        with self._lock:
            self._waiting.append(ticket)
            self._admit()
            if not ticket.admitted and self.most_waiting is not None and len(self._waiting) > self.most_waiting:
                self._waiting.remove(ticket)
                return False
        try:
            with wanted.calling(ticket.woken.set):
                ticket.woken.wait(self.wait_s)
            wanted.require()
        except BaseException:
            self._withdraw(ticket)
            raise
        return self._settled(ticket)

    def leave(self, holder: str) -> None:
        """Give a place back."""
        with self._lock:
            self._free(holder)

    def _settled(self, ticket: _Ticket) -> bool:
        with self._lock:
            if not ticket.admitted:
                self._waiting.remove(ticket)
            return ticket.admitted

    def _withdraw(self, ticket: _Ticket) -> None:
        with self._lock:
            if ticket.admitted:
                self._free(ticket.holder)
            else:
                self._waiting.remove(ticket)

    def _free(self, holder: str) -> None:
        self._held[holder] -= 1
        if self._held[holder] <= 0:
            del self._held[holder]
        self._admit()

    def _admit(self) -> None:
        while self._held.total() < self.places:
            ready = [t for t in self._waiting if self._each is None or self._held[t.holder] < self._each]
            if not ready:
                return
            chosen = min(ready, key=lambda ticket: self._held[ticket.holder])  # the first of equals
            self._waiting.remove(chosen)
            self._held[chosen.holder] += 1
            chosen.admitted = True
            chosen.woken.set()
