"""Limits per minute, kept exactly: in no 60 seconds is more sent than is allowed, and it is sent evenly."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

MINUTE_S = 60.0


@dataclass(slots=True, eq=False)
class Taken:
    """An amount that was taken at a moment."""

    at_s: float
    amount: int
    counts: bool = True
    """Whether the moment lies within the last minute."""


class PerMinute:
    """An amount per minute: a token bucket that spreads it evenly, under a sum over the last minute that binds.

    The bucket alone would let through the allowance of a minute and its own contents; the sum alone would let
    everything through at once and then nothing for a minute. Pure: times come from outside and never go back.
    """

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        self._speed = allowed / MINUTE_S
        self._level = self._room = max(self._speed, 1.0)
        self._filled_s: float | None = None
        self._taken: deque[Taken] = deque()
        self._sum = 0

    def wait_s(self, amount: int, now_s: float) -> float:
        """Seconds until ``amount`` may be taken, 0 if at once; more than a minute's allowance counts as all of it."""
        self._pass_time(now_s)
        need = min(amount, self._allowed)
        evenly = (min(need, self._room) - self._level) / self._speed
        return max(evenly, self._free_in(need, now_s), 0.0)

    def take(self, amount: int, now_s: float) -> Taken:
        """Take an amount now; ask ``wait_s`` before."""
        self._pass_time(now_s)
        taken = Taken(now_s, min(amount, self._allowed))
        self._taken.append(taken)
        self._sum += taken.amount
        self._level -= taken.amount
        return taken

    def correct(self, taken: Taken, amount: int) -> None:
        """What was taken turned out to be another amount."""
        change = amount - taken.amount
        taken.amount = amount
        self._level = min(self._level - change, self._room)
        if taken.counts:
            self._sum += change

    def _pass_time(self, now_s: float) -> None:
        if self._filled_s is not None:
            self._level = min(self._level + (now_s - self._filled_s) * self._speed, self._room)
        self._filled_s = now_s
        while self._taken and self._taken[0].at_s <= now_s - MINUTE_S:
            passed = self._taken.popleft()
            passed.counts = False
            self._sum -= passed.amount

    def _free_in(self, need: int, now_s: float) -> float:
        over = self._sum + need - self._allowed
        last = 0.0
        for item in self._taken:
            if over <= 0:
                break
            over -= item.amount
            last = item.at_s + MINUTE_S - now_s
        return last
