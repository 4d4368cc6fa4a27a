"""Runs on rented machines: one SkyPilot task a run. Every machine has a deadline and ends itself."""

from __future__ import annotations

import time
from pathlib import Path

from allotment.errors import ProjectError
from allotment.experiments import _supervise
from allotment.experiments._executor import Job, Look
from allotment.experiments._file import PodsPlace
from allotment.experiments._render import REMOTE, Base, check_place, task_of
from allotment.experiments._sky import Sky, is_held
from allotment.models import catalogue, find_model
from allotment.workspace import hash_text, write_atomic

_FETCH_EVERY_S = 60.0
_STATUS_EVERY_S = 30.0
_IN_FLIGHT = 10
_RENTING_S = 900.0
"""How long a stop waits for a machine that is just being rented: it cannot be ended before it is there."""
RENTED, LAUNCHING, TASK, RENTING_LOG = "rented.json", "launching.lock", "task.yaml", "rented.log"


class Pods:
    """Machines by their names, which any driver knows: the project, the experiment, the run, the attempt."""

    name = "pods"

    def __init__(self, place: PodsPlace, home: Path, *, in_flight: int | None = None, sky: Sky | None = None) -> None:
        """Where machines are rented; ``home``: the experiment's folder.

        Raises:
            ProjectError: the provider cannot do what is asked.
            MissingPartError: SkyPilot is not installed.
        """
        check_place(place)
        self._place, self._sky = place, sky or Sky()
        self._tag = tag_of(home)
        self._places = in_flight or _IN_FLIGHT
        self._held: set[str] = set()
        self._fetched: dict[str, float] = {}
        self._states: tuple[float, dict[str, str]] = (0.0, {})

    def has_place(self, job: Job) -> bool:
        """See ``Executor``."""
        return len(self._held) < self._places

    def start(self, job: Job) -> str:
        """See ``Executor``; renting takes minutes, and goes on by itself."""
        if job.max_seconds is None:
            raise ProjectError(
                "a machine is not rented without a deadline.",
                element=job.name,
                remedy="Write limits.max_minutes in the file, or --max-minutes.",
            )
        named = str(_supervise.read_json(job.folder / _supervise.SPEC)["worker"]["base"]["file"])
        write_task(self._place, job, self.machine(job), base_of(named))
        _supervise.put(job.folder / RENTED, {"attempt": job.attempt, "machine": self.machine(job), "at": time.time()})
        lock, log = job.folder / LAUNCHING, job.folder / RENTING_LOG
        self._sky.launch(self.machine(job), job.folder / TASK, lock, log)
        self._held.add(job.name)
        return self.machine(job)

    def machine(self, job: Job) -> str:
        """Name of a job's machine."""
        return f"{self._tag}-{job.name}"

    def look(self, job: Job) -> Look:
        """See ``Executor``: results are fetched every minute, and once more before a machine is ended."""
        rented = _supervise.read_json(job.folder / RENTED)
        if rented.get("attempt") != job.attempt:
            return Look("absent")  # it was never rented
        self._held.add(job.name)
        if is_held(job.folder / LAUNCHING):
            return Look("running")
        is_up = self._state(self.machine(job)) in ("UP", "INIT")
        seconds = max(0.0, time.time() - float(rented["at"]))
        is_late = seconds > (job.max_seconds or 0.0) + self._place.startup_minutes * 60
        if is_up and not self._is_time(job) and not is_late:
            return Look("running")
        if is_up:
            self._sky.fetch(self.machine(job), REMOTE, job.folder)
        ended = _supervise.read_json(job.folder / _supervise.RESULT).get("attempt") == job.attempt
        if is_up and not ended and not is_late:
            return Look("running")
        if is_up:
            self._sky.down(self.machine(job))
        self._held.discard(job.name)
        if ended:
            return Look("ended", seconds=seconds)
        return Look("absent", "its machine is gone: taken back, at its deadline, or it could not be set up", seconds)

    def _is_time(self, job: Job) -> bool:
        now = time.monotonic()
        if now - self._fetched.get(job.name, -_FETCH_EVERY_S) < _FETCH_EVERY_S:
            return False
        self._fetched[job.name] = now
        return True

    def _state(self, machine: str) -> str | None:
        """As SkyPilot knows it, asked every half minute for all machines together.

        Raises:
            EngineError: SkyPilot does not answer: nothing is decided then.
        """
        asked, states = self._states
        now = time.monotonic()
        if not states or now - asked > _STATUS_EVERY_S or machine not in states:
            states = {one.name: one.state for one in self._sky.machines(self._tag)}
            self._states = now, states
        return states.get(machine)

    def stop(self, job: Job) -> None:
        """See ``Executor``: what it has is fetched first."""
        machine = self.machine(job)
        deadline = time.monotonic() + _RENTING_S
        while is_held(job.folder / LAUNCHING) and time.monotonic() < deadline:
            time.sleep(0.2)
        self._states = (0.0, {})
        if self._state(machine) is not None:
            self._sky.fetch(machine, REMOTE, job.folder)
            self._sky.down(machine)
        self._states = (0.0, {})
        self._held.discard(job.name)

    def close(self) -> None:
        """See ``Executor``: machines go on to their deadlines."""
        self._held.clear()


def tag_of(home: Path) -> str:
    """What names of this project's machines begin with."""
    root = home.resolve().parent.parent.parent
    return f"allotment-{hash_text(str(root))[:6]}"


def base_of(file: str) -> Base:
    """A base model by its file: one of the cache is fetched by its name, any other is sent."""
    for name in catalogue():
        if find_model(name).path.name == Path(file).name:
            return Base(name, Path(file))
    return Base(file, Path(file))


def write_task(place: PodsPlace, job: Job, machine: str, base: Base) -> Path:
    """Render a job's task file into its folder."""
    file = job.folder / TASK
    write_atomic(file, task_of(place, job, machine, base))
    return file
