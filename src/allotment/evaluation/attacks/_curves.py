"""The two curves of a run: how fast it went, and how much is known after how many attempts."""

from __future__ import annotations

from itertools import pairwise

from allotment.evaluation.attacks._found import Found
from allotment.evaluation.report import Curve, Series
from allotment.evaluation.scoring import wilson_interval

_POINTS = 40
_PAUSE_S = 60.0
"""A longer time without an attempt is one in which the run was not running."""


def active_seconds(times: list[float]) -> float:
    """Seconds in which attempts were made, pauses between two parts of a run left out."""
    return sum(min(after - before, _PAUSE_S) for before, after in pairwise(times))


def speed_curve(found: Found) -> Curve:
    """Attempts a second over the time of the run."""
    times, points = sorted(found.times), []
    step = max(1, len(times) // _POINTS)
    elapsed = 0.0
    for start in range(0, len(times) - step, step):
        took = active_seconds(times[start : start + step + 1])
        elapsed += took
        points.append((round(elapsed, 1), round(step / took, 3) if took else 0.0))
    return Curve("speed", "Attempts a second", "seconds", "attempts a second", (Series("attempts", tuple(points)),))


def bound_curve(found: Found) -> Curve:
    """The share of attempts that may leak at most (95 %), after each number of attempts."""
    points, hits, proved = [], 0, 0
    step = max(1, len(found.results) // _POINTS)
    for number, result in enumerate(found.results, start=1):
        hits += result.ending == "leaked"
        proved += result.ending != "failed"
        if proved and (number % step == 0 or number == len(found.results)):
            points.append((float(proved), wilson_interval(hits, proved)[1]))
    title = "The share that may leak at most, after so many attempts"
    return Curve("bound", title, "attempts", "upper bound, 95 %", (Series("upper bound", tuple(points)),))
