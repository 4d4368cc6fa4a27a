"""Places for answers in this process: so many at once, so many waiting for one, fairly between users."""

from __future__ import annotations

from allotment.errors import RateLimited
from allotment.queueing import FairQueue

BUSY = "Everything here is busy at the moment."


class Places:
    """Hands out places to users; see ``FairQueue``."""

    def __init__(self, places: int, queue: int, wait_s: float) -> None:
        """At most ``queue`` requests wait, each at most ``wait_s`` seconds."""
        self.places = places
        self.queue = queue
        self._fair = FairQueue(places, wait_s, most_waiting=queue)

    @property
    def taken(self) -> int:
        """How many answers are in the making."""
        return self._fair.taken

    @property
    def waiting(self) -> int:
        """How many requests wait for a place."""
        return self._fair.waiting

    def enter(self, user: str) -> None:
        """Take a place for ``user``, after waiting for one where all are taken; ``leave`` gives it back.

        Raises:
            RateLimited: the queue is full, or no place came free in time.
            Cancelled: nobody waits for the answer any longer.
        """
        if not self._fair.enter(user):
            raise RateLimited(BUSY, retry_after_s=round(self._fair.wait_s))

    def leave(self, user: str) -> None:
        """Give a place back."""
        self._fair.leave(user)
