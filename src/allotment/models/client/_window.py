"""How many requests may be in flight: as many as the server bears, found by trying.

Additive increase, multiplicative decrease, as in TCP (Chiu and Jain 1989; slow start and one decrease a round trip
after Jacobson 1988). Signs of overload are the server's refusals (HTTP 429) and answers that take longer without more
of them coming. The second is judged by medians of the logarithm of the time per token, so that neither the spread of
latencies nor longer answers are taken for overload, and by the answers per second: a server that batches gets slower
for each and faster for all, which is not overload.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_DECREASE = 0.75
_SLOWER = math.log(2.0)
"""The typical time per token may double before it is a sign of overload."""
_MORE = math.log(1.1)
"""Answers per second that count as more, or as fewer."""
_SMALLEST_SAMPLE, _LARGEST_SAMPLE = 32, 256
_INSTANT = 1e-9
_ERRORS = 3.0
"""Standard errors of the median that are left out of account."""
_SINKING, _RISING = 0.25, 0.01
"""How fast the baseline follows a lower and a higher median: it is a smoothed minimum."""
_PROBING = 4
"""Windows of answers before one more request is tried at the level that was too high before."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a number of answers say together; everything is a natural logarithm."""

    pace: float
    """Median of seconds per token."""
    error: float
    """Standard error of the median."""
    rate: float
    """Answers per second."""


class Window:
    """The number of requests that may be in flight. Pure: times come from outside."""

    def __init__(self, start: int, most: int) -> None:
        """``start`` requests are allowed at first, and never more than ``most``."""
        self.allowed = min(start, most)
        """Requests that may be in flight now."""
        self._least_for_latency = self.allowed
        self._most = most
        self._ceiling: int | None = None
        self._successes = 0
        self._shrunk_s = -math.inf
        self._paces: list[float] = []
        self._wanted = _SMALLEST_SAMPLE
        self._arrivals = 0
        self._first_s = 0.0
        self._baseline: float | None = None
        self._best_rate = -math.inf
        self._rate_before: float | None = None

    def answered(self, *, pace: float, sent_s: float, now_s: float, in_flight: int) -> None:
        """Take note of an answer.

        Args:
            pace: seconds per token of the answer.
            sent_s: when it was asked for.
            now_s: when it came.
            in_flight: requests in flight at that moment, this one among them.
        """
        self.observe(pace=pace, sent_s=sent_s, now_s=now_s)
        if 2 * in_flight > self.allowed:  # a window that is not used says nothing about a larger one
            self._successes += 1
            self._grow()

    def observe(self, *, pace: float, sent_s: float, now_s: float) -> None:
        """Take note of how slow a request was, without any other merit. Arguments as of ``answered``."""
        self._arrivals += 1
        if sent_s < self._shrunk_s:  # it met the load before the last decrease
            return
        if not self._paces:
            self._first_s, self._arrivals = now_s, 0
            self._wanted = min(max(self.allowed, _SMALLEST_SAMPLE), _LARGEST_SAMPLE)
        self._paces.append(math.log(max(pace, _INSTANT)))
        if len(self._paces) >= self._wanted:
            self._judge(self._take_sample(now_s), now_s)

    def overloaded(self, *, sent_s: float, now_s: float) -> None:
        """The server refused a request sent at ``sent_s``; only the first refusal of a round trip counts."""
        if sent_s >= self._shrunk_s:
            self._rate_before = None
            self._shrink(now_s)

    def _take_sample(self, now_s: float) -> _Sample:
        count, paces = len(self._paces), sorted(self._paces)
        spread = (paces[3 * count // 4] - paces[count // 4]) / 1.349  # of a normal distribution
        rate = math.log(self._arrivals / max(now_s - self._first_s, _INSTANT))
        self._paces.clear()
        return _Sample(paces[count // 2], 1.2533 * spread / math.sqrt(count), rate)

    def _judge(self, sample: _Sample, now_s: float) -> None:
        fewer = self._rate_before is not None and sample.rate < self._rate_before - _MORE
        self._rate_before = None
        if self._baseline is None or fewer:
            # If fewer in flight gave fewer answers, they were not what made it slow: this is how it is now.
            self._baseline = sample.pace
        slow = sample.pace - self._baseline > _SLOWER + _ERRORS * sample.error
        if slow and sample.rate <= self._best_rate + _MORE and self.allowed > self._least_for_latency:
            self._rate_before = sample.rate
            self._shrink(now_s)
        self._best_rate = max(self._best_rate, sample.rate)
        gain = _SINKING if sample.pace < self._baseline else _RISING
        self._baseline += gain * (sample.pace - self._baseline)

    def _grow(self) -> None:
        if self._ceiling is None:  # slow start: each answer makes room for one more, so it doubles each round trip
            self.allowed = min(self.allowed + 1, self._most)
            return
        below = self.allowed < self._ceiling - 1
        if self._successes >= self.allowed * (1 if below else _PROBING):
            step = min(max(1, self._ceiling // 32), self._ceiling - 1 - self.allowed) if below else 1
            self.allowed = min(self.allowed + step, self._most)
            self._successes = 0

    def _shrink(self, now_s: float) -> None:
        self._ceiling = self.allowed
        self.allowed = max(1, int(self.allowed * _DECREASE))
        self._successes = 0
        self._shrunk_s = now_s
        self._paces.clear()
