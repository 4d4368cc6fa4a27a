"""Turns: at most so many connections at once, of all accounts and of one; the others wait, fairly, and not for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from allotment.errors import LimitReached
from allotment.queueing import FairQueue


class Turns:
    """Hands out connections' places to accounts; see ``FairQueue``."""

    def __init__(self, total: int, per_account: int, wait_s: float) -> None:
        self._queue = FairQueue(total, wait_s, each=per_account)

    @contextmanager
    def turn(self, account: str) -> Iterator[None]:
        """Hold one place for ``account`` while the body runs.

        Raises:
            LimitReached: none came free in time.
            Cancelled: nobody waits for the answer any longer.
        """
        if not self._queue.enter(account):
            raise too_many(account)
        try:
            yield
        finally:
            self._queue.leave(account)


def too_many(account: str) -> LimitReached:
    """The refusal of a question for which there is no connection."""
    return LimitReached("too many questions at once.", element=account, remedy="Ask again in a few seconds.")
