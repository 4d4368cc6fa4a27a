"""The loop that carries an experiment out: look at what runs, decide, start what may start, tell.

Everything it knows is in the journal and in the runs' folders, so it may be killed anywhere: the next one finds the
runs that are still at work, takes what has ended, and goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from allotment.errors import TrainingError
from allotment.experiments._budget import may_begin
from allotment.experiments._executor import Executor, Job, Look
from allotment.experiments._halving import due_rung, may_go_on, next_pause
from allotment.experiments._journal import Attempt, Journal, RunState
from allotment.experiments._outcome import Ended
from allotment.experiments._plan import Plan, PlannedRun, run_folder
from allotment.experiments._state import FINAL, state_of

_LOOK_EVERY_S = 0.5
_PATIENCE_S = (1.0, 10.0, 60.0)
"""Before another attempt after the machine's first fault, its second, and those after it."""
_MOST_FALSE_STARTS = 5
"""Attempts of which nothing was ever there, before that is a fault of the machine."""


class Prepare(Protocol):
    """Writes a run's folder."""

    def __call__(self, run: PlannedRun, job: Job, *, until: int | None) -> None:
        """Write the spec of an attempt and what it learns from; what earlier attempts left stays."""


@dataclass(frozen=True)
class Clock:
    """Time as the driver knows it."""

    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


class Driver:
    """Carries one experiment out. One at a time: the caller holds the experiment's lock."""

    def __init__(
        self,
        plan: Plan,
        home: Path,
        executor: Executor,
        *,
        prepare: Prepare,
        read: Callable[[Job, Look], Ended],
        tell: Callable[[Plan, Journal, str], None] = lambda plan, journal, news: None,
        clock: Clock | None = None,
        overhead_s: float = 0.0,
    ) -> None:
        """What it works with.

        Args:
            plan: the experiment.
            home: its folder.
            executor: where runs go.
            prepare: writes a run's folder before an attempt.
            read: how an attempt ended.
            tell: told after each round, and of what happened in words.
            clock: time; the machine's if none.
            overhead_s: what a place costs beyond a run itself, at most: renting and installing a machine.
        """
        self._plan, self._home, self._executor = plan, home, executor
        self._prepare, self._read, self._tell = prepare, read, tell
        self._clock = clock or Clock()
        self._overhead_s = overhead_s
        self._not_before: dict[str, float] = {}
        self._planned = {run.id: run for run in plan.runs}
        self._open = list(plan.runs)
        self.journal = Journal(home)

    def run(self) -> None:
        """Until every run is where it stays, or no other may begin.

        Raises:
            MissingPartError: the executor's machines are gone, or what it takes is not here; what runs goes on.
        """
        while self._round():
            self._clock.wait(_LOOK_EVERY_S)

    def stop(self) -> None:
        """End what is at work; it goes on from its last checkpoint when the experiment is run again."""
        for run, attempt in self._at_work():
            job = self._job(run, attempt)
            self._executor.stop(job)
            self._collect(job, self._executor.look(job))
        self._tell(self._plan, self.journal, "")

    def _round(self) -> bool:
        self._look()
        self._open = [run for run in self._open if state_of(self._plan, self.journal, run) not in FINAL]
        rung = due_rung(self._plan, self.journal) if self._plan.halving_at else None
        if rung is not None:
            self.journal.halved(rung.stopped, rung.epoch)
            self._say(f"after epoch {rung.epoch} {len(rung.stopped)} of the runs are stopped, the others go on")
        blocked = self._start()
        self._tell(self._plan, self.journal, "")
        left = any(state_of(self._plan, self.journal, run) not in FINAL for run in self._open)
        return bool(self._at_work()) or (left and not blocked)

    def _at_work(self) -> list[tuple[PlannedRun, Attempt]]:
        """Also runs that were taken out of the file while they were at work."""
        return [
            (self._planned.get(state.id) or PlannedRun(state.id, 0, "", {}, {}), state.at_work)
            for state in self.journal.runs.values()
            if state.at_work is not None
        ]

    def _look(self) -> None:
        """Take what has ended; stop what is no longer in the file."""
        for run, attempt in self._at_work():
            job = self._job(run, attempt)
            if run.id not in self._planned:
                self._executor.stop(job)
            look = self._executor.look(job)
            if look.state != "running":
                self._collect(job, look)

    def _collect(self, job: Job, look: Look) -> None:
        ended = self._read(job, look)
        state = self.journal.of(job.run)
        kind = ended.state
        if kind == "never-began" and _false_starts(state) >= _MOST_FALSE_STARTS:
            kind = "infrastructure"
        self.journal.ends(
            job.run,
            job.attempt,
            kind,
            seconds=ended.seconds,
            error=ended.error,
            remedy=ended.remedy,
            outcome=ended.outcome,
        )
        if kind == "infrastructure":
            patience = _PATIENCE_S[min(state.faults, len(_PATIENCE_S)) - 1]
            self._not_before[job.run] = self._clock.now() + patience
        if kind not in ("ok", "never-began"):
            self._say(f"run {self._number(job.run)} ended: {kind}. {ended.error}")

    def _start(self) -> bool:
        """Start what may start now; gives whether what is left waits for money alone."""
        waits_for_money = waits = False
        without_place: set[tuple[float | None, int]] = set()
        for run in self._candidates():
            attempt, max_seconds = self._next_attempt(run)
            if max_seconds is not None and max_seconds <= 0:
                self._out_of_time(run, attempt)
                continue
            if not may_begin(self.journal.runs.values(), self._plan.max_cost_usd, self._usd(run, max_seconds)):
                waits_for_money = True
                continue
            job = self._job_of(run, attempt, max_seconds)
            needs = (job.needs_gib, job.cards)
            if self._clock.now() < self._not_before.get(run.id, 0.0) or needs in without_place:
                waits = True
            elif self._executor.has_place(job):
                self._begin(run, job)
            else:
                waits = True
                without_place.add(needs)  # others may need less
        return waits_for_money and not waits

    def _candidates(self) -> list[PlannedRun]:
        """Runs that may start: those that go on first, for their folders hold work that is paid for."""
        found = []
        for run in self._open:
            state = state_of(self._plan, self.journal, run)
            if state == "waiting" or (state == "paused" and may_go_on(self._plan, self.journal, run)):
                found.append(run)
        return sorted(found, key=lambda run: (not self.journal.of(run.id).seconds, run.number))

    def _next_attempt(self, run: PlannedRun) -> tuple[int, float | None]:
        state = self.journal.of(run.id)
        left = None if run.max_seconds is None else run.max_seconds - state.seconds
        return len(state.attempts) + 1, left

    def _usd(self, run: PlannedRun, max_seconds: float | None) -> float | None:
        if run.usd_per_hour is None or max_seconds is None:
            return None
        return (max_seconds + self._overhead_s) / 3600 * run.usd_per_hour

    def _out_of_time(self, run: PlannedRun, attempt: int) -> None:
        self._write_start(run, attempt, 0.0, None)
        self.journal.ends(run.id, attempt, "time-limit", error="its minutes were up after its earlier attempts")

    def _begin(self, run: PlannedRun, job: Job) -> None:
        until = next_pause(self._plan, run, self.journal.of(run.id).paused_at)
        self._prepare(run, job, until=until)
        self._write_start(run, job.attempt, job.max_seconds, until)
        try:
            place = self._executor.start(job)
        except TrainingError as error:
            if error.kind != "infrastructure":
                raise
            self._collect(job, Look("absent", str(error)))
            return
        self.journal.placed(run.id, job.attempt, place)

    def _write_start(self, run: PlannedRun, attempt: int, max_seconds: float | None, until: int | None) -> None:
        billed = None if max_seconds is None else max_seconds + self._overhead_s
        self.journal.starts(
            run.id, attempt, self._executor.name, usd_per_hour=run.usd_per_hour, max_seconds=billed, until=until
        )

    def _job(self, run: PlannedRun, attempt: Attempt) -> Job:
        limit = None if attempt.max_seconds is None else attempt.max_seconds - self._overhead_s
        return self._job_of(run, attempt.number, limit)

    def _job_of(self, run: PlannedRun, attempt: int, max_seconds: float | None) -> Job:
        folder = run_folder(self._home, run.id)
        return Job(self._plan.name, run.id, attempt, folder, run.safe_gib, run.cards, max_seconds)

    def _number(self, run: str) -> str:
        planned = self._planned.get(run)
        return str(planned.number) if planned else run

    def _say(self, news: str) -> None:
        self._tell(self._plan, self.journal, news)


def _false_starts(run: RunState) -> int:
    return sum(one.ended == "never-began" for one in run.attempts)
