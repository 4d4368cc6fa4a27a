"""How long a request may take: generous until it is known how long answers take, then from their distribution."""

from __future__ import annotations

from collections import deque

from allotment.models.client._ask import ClientLimits

_SAMPLE = 512
_KNOWN = 32
"""Answers from which the distribution is known."""
_STALE = 32
"""Answers after which the percentile is worked out anew."""
_PERCENTILE = 0.99
_FACTOR = 3.0


class Timeouts:
    """Timeouts from the slowest percent of the last answers."""

    def __init__(self, limits: ClientLimits, fixed_s: float | None) -> None:
        """``fixed_s`` is used for every request, if given."""
        self._limits = limits
        self._fixed_s = fixed_s
        self._seconds: deque[float] = deque(maxlen=_SAMPLE)
        self._most_tokens = 0
        self._noted = 0
        self._base_s = limits.first_timeout_s

    @property
    def base_s(self) -> float:
        """What a request for no more tokens than usual may take."""
        return self._fixed_s or self._base_s

    def allow(self, max_tokens: int, timed_out: int) -> float:
        """Seconds a request may take.

        Args:
            max_tokens: most tokens it may write; more than were ever answered get more time in proportion.
            timed_out: how often the same ask has timed out before; the time doubles with each, up to the first timeout.
        """
        if self._fixed_s is not None:
            return self._fixed_s
        larger = max_tokens / self._most_tokens if 0 < self._most_tokens < max_tokens else 1.0
        base = self._base_s * larger
        patient = min(base * 2.0**timed_out, max(base, self._limits.first_timeout_s))
        return min(max(patient, self._limits.shortest_timeout_s), self._limits.longest_timeout_s)

    def answered(self, seconds: float, max_tokens: int) -> None:
        """Take note of an answer and how long it took."""
        self._most_tokens = max(self._most_tokens, max_tokens)
        self._note(seconds)

    def timed_out(self, seconds: float) -> None:
        """Take note of a request that took longer than it might: the answer would have come later still."""
        self._note(seconds)

    def _note(self, seconds: float) -> None:
        self._seconds.append(seconds)
        self._noted += 1
        if self._noted >= _KNOWN and self._noted % _STALE == 0:
            slowest = sorted(self._seconds)[int(_PERCENTILE * (len(self._seconds) - 1))]
            low, high = self._limits.shortest_timeout_s, self._limits.longest_timeout_s
            self._base_s = min(max(_FACTOR * slowest, low), high)
