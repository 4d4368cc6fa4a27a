"""Successive halving: runs pause at the same epochs, and the better ones go on.

A paused run goes on bit for bit as if it had not paused, so what is kept is not disturbed. What is compared is what was
measured at the pause. Jamieson and Talwalkar 2016, "Non-stochastic best arm identification".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from allotment.experiments._journal import Journal, RunState
from allotment.experiments._plan import Plan, PlannedRun
from allotment.experiments._state import state_of


@dataclass(frozen=True)
class Rung:
    """Runs that all paused at the same epoch, and which of them stop there."""

    epoch: int
    stopped: tuple[str, ...]


def next_pause(plan: Plan, run: PlannedRun, done: int) -> int | None:
    """Epoch at which a run that has paused at epoch ``done`` pauses next; none: it goes on to its end."""
    return next((epoch for epoch in plan.halving_at if done < epoch < int(run.training["epochs"])), None)


def due_rung(plan: Plan, journal: Journal) -> Rung | None:
    """The pause that is to be decided now: no run is still on its way to it."""
    runs = journal.of
    states = {run.id: state_of(plan, journal, run) for run in plan.runs}
    for epoch in plan.halving_at:
        if epoch in journal.decided:
            continue
        there = [run for run in plan.runs if states[run.id] == "paused" and runs(run.id).paused_at == epoch]
        on_their_way = [
            run
            for run in plan.runs
            if states[run.id] in ("waiting", "running", "paused")
            and runs(run.id).paused_at < epoch
            and epoch < int(run.training["epochs"])
        ]
        if on_their_way:
            return None
        if there:
            finished = [run for run in plan.runs if states[run.id] == "done"]
            return Rung(epoch, _worse(plan, there, len(finished), runs))
    return None


def may_go_on(plan: Plan, journal: Journal, run: PlannedRun) -> bool:
    """Whether a paused run was among those that are kept."""
    epoch = journal.of(run.id).paused_at
    return epoch in journal.decided or epoch not in plan.halving_at


def _worse(plan: Plan, there: Sequence[PlannedRun], finished: int, runs: Callable[[str], RunState]) -> tuple[str, ...]:
    """Those that stop. Runs that ended before, having learnt enough, count among those that are kept."""
    kept = max(1, math.ceil((len(there) + finished) * plan.halving_keep) - finished)
    order = sorted(there, key=lambda run: (_badness(plan, runs(run.id)), run.number))
    return tuple(run.id for run in order[kept:])


def _badness(plan: Plan, run: RunState) -> float:
    last = run.last
    value = last.outcome.get(plan.decide) if last else None
    if value is None or not math.isfinite(value):
        return math.inf
    return -float(value) if plan.is_better_when_higher else float(value)
