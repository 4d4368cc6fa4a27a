"""Where a run of a plan stands."""

from __future__ import annotations

from allotment.experiments._journal import Journal, State
from allotment.experiments._plan import Plan, PlannedRun

FINAL: frozenset[State] = frozenset(
    {
        "done", "out-of-memory", "non-finite", "bad-data", "configuration", "time-limit", "infrastructure", "stopped",
        "refused",
    }
)  # fmt: skip
"""States that no run leaves by itself."""


def state_of(plan: Plan, journal: Journal, run: PlannedRun) -> State:
    """Where the run stands; one that is refused and was never started stays so."""
    found = journal.of(run.id).state(plan.retries)
    return "refused" if run.refused and found == "waiting" else found
