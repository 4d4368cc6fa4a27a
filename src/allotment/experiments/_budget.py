"""Money: what is spent, what may still be spent by what is in flight, and whether another attempt may begin."""

from __future__ import annotations

from collections.abc import Iterable

from allotment.experiments._journal import RunState


def spent_usd(runs: Iterable[RunState]) -> float:
    """What attempts that have ended cost; those without a price count for nothing."""
    return sum(one.usd or 0.0 for run in runs for one in run.attempts if one.ended is not None)


def committed_usd(runs: Iterable[RunState]) -> float:
    """What is spent, and the most that attempts in flight may take: each ends itself at its limit."""
    return sum(one.usd_at_most or 0.0 for run in runs for one in run.attempts)


def may_begin(runs: Iterable[RunState], limit_usd: float | None, at_most_usd: float | None) -> bool:
    """Whether another attempt may begin: if all in flight take what they may, the limit still holds.

    Args:
        runs: of the experiment, also those that are no longer in its file.
        limit_usd: of all together; none is no limit.
        at_most_usd: what the attempt may cost; of unknown cost nothing begins under a limit.
    """
    if limit_usd is None:
        return True
    return at_most_usd is not None and committed_usd(runs) + at_most_usd <= limit_usd + 1e-9
