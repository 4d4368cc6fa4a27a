"""A cluster that takes no time: jobs end when a clock of its own says so. What is tested is the driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allotment.experiments._driver import Clock, Driver
from allotment.experiments._executor import Job, Look
from allotment.experiments._journal import NEVER_BEGAN, Journal
from allotment.experiments._outcome import Ended
from allotment.experiments._plan import Plan, PlannedRun
from allotment.experiments._state import state_of


class Killed(BaseException):
    """The driver was killed here."""


@dataclass
class Script:
    """What a run's attempts do, in order; the last one is repeated."""

    seconds: float = 60.0
    ends: Sequence[str] = ("ok",)
    recall: float = 0.5


@dataclass
class Cluster:
    """Machines with cards, and jobs on them. It outlives drivers."""

    cards: int
    scripts: Mapping[str, Script] = field(default_factory=dict)
    now: float = 0.0
    jobs: dict[str, tuple[Job, float]] = field(default_factory=dict)
    """Job → the time it began."""
    ended: dict[str, Ended] = field(default_factory=dict)
    busy_s: float = 0.0
    started: list[str] = field(default_factory=list)
    most_at_once: int = 0
    epochs: dict[str, int] = field(default_factory=dict)
    """Run → epoch at which its next attempt pauses, as it was prepared; 0 for its end."""

    name = "simulated"

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        for name, (job, begun) in list(self.jobs.items()):
            script = self.scripts.get(job.run, Script())
            limit = min(script.seconds, job.max_seconds if job.max_seconds is not None else script.seconds)
            if self.now - begun >= limit:
                del self.jobs[name]
                self.busy_s += limit
                self.ended[name] = self._outcome(job, script, limit)

    def _outcome(self, job: Job, script: Script, seconds: float) -> Ended:
        if seconds < script.seconds:
            return Ended("time-limit", seconds, "its minutes were up")
        done = sum(name.startswith(f"{job.experiment}-{job.run}-") for name in self.ended)
        state = script.ends[min(done, len(script.ends) - 1)]
        outcome = {"recall": script.recall, "paused": bool(self.epochs.get(job.run)), "peak_gib": 1.0}
        return Ended(
            state, seconds, "" if state == "ok" else f"it was {state}", outcome=outcome if state == "ok" else {}
        )

    def has_place(self, job: Job) -> bool:
        return len(self.jobs) < self.cards

    def start(self, job: Job) -> str:
        assert job.name not in self.jobs, "started twice"
        assert not any(other.run == job.run for other, _ in self.jobs.values()), "one run at work twice"
        self.jobs[job.name] = job, self.now
        self.started.append(job.name)
        self.most_at_once = max(self.most_at_once, len(self.jobs))
        return f"card {len(self.jobs)}"

    def look(self, job: Job) -> Look:
        if job.name in self.jobs:
            return Look("running")
        return Look("ended" if job.name in self.ended else "absent")

    def stop(self, job: Job) -> None:
        if job.name in self.jobs:
            _, begun = self.jobs.pop(job.name)
            self.ended[job.name] = Ended("stopped", self.now - begun, "it was stopped")

    def close(self) -> None:
        pass

    def prepare(self, run: PlannedRun, job: Job, *, until: int | None) -> None:
        self.epochs[run.id] = until or 0

    def read(self, job: Job, look: Look) -> Ended:
        return self.ended.get(job.name) or Ended(NEVER_BEGAN, 0.0)


def driver(
    plan: Plan, home: Path, cluster: Cluster, tell: Callable[..., None] = lambda *_: None, **more: Any
) -> Driver:
    """A driver of that cluster, which waits in no time."""
    return Driver(
        plan,
        home,
        cluster,
        prepare=cluster.prepare,
        read=cluster.read,
        tell=tell,
        clock=Clock(lambda: cluster.now, cluster.wait),
        **more,
    )


def plan_of(count: int, **settings: Any) -> Plan:
    """An experiment of so many runs; ``run_settings`` are those of each run."""
    each = {"usd_per_hour": 0.44, "max_seconds": 600.0, **settings.pop("run_settings", {})}
    runs = tuple(
        PlannedRun(f"r{number:04}", number, "tiny", {"epochs": 8, "seed": number}, {"seed": number}, **each)
        for number in range(1, count + 1)
    )
    whole = {
        "name": "test", "agent": "handbook", "path": "test.yaml", "file_sha256": "0" * 64, "decide": "recall",
        "executor": "simulated", "retries": 2, "max_cost_usd": None, "halving_at": (), "halving_keep": 0.5,
    }  # fmt: skip
    return Plan(**{**whole, **settings}, runs=runs)


def table(plan: Plan, home: Path) -> list[tuple[Any, ...]]:
    """What the table says of each run, as it would be read from the disk."""
    journal = Journal(home)
    found = []
    for run in plan.runs:
        state = journal.of(run.id)
        last = state.last
        found.append((run.number, state_of(plan, journal, run), dict(last.outcome) if last else {}))
    return found
