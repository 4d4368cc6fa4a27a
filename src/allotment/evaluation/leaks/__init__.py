"""Leaks: what every role gets to know of every reader set, through the chain and below it."""

from allotment.evaluation.leaks._gate import try_version
from allotment.evaluation.leaks._measure import measure_leaks

__all__ = ["measure_leaks", "try_version"]
