"""Where runs go: the protocol that all executors share, and what they are given."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol


@dataclass(frozen=True)
class Job:
    """One attempt of one run. Experiment, run and attempt name it, on any machine and for any driver."""

    experiment: str
    run: str
    attempt: int
    folder: Path
    """Of the run, with its spec."""
    needs_gib: float | None
    """Memory that must be free where it starts: of each card, else RAM; none if it is not known."""
    cards: int
    max_seconds: float | None
    """After which it ends itself."""

    @property
    def name(self) -> str:
        """``EXPERIMENT-RUN-ATTEMPT``."""
        return f"{self.experiment}-{self.run}-{self.attempt}"


@dataclass(frozen=True)
class Look:
    """What an executor knows of a job."""

    state: Literal["running", "ended", "absent"]
    """``ended``: what there is of it lies in its folder now. ``absent``: it is nowhere; it never began, or its machine
    is gone."""
    why: str = ""
    """Of one that is absent, as far as that is known."""
    seconds: float | None = None
    """How long its machine was paid for, where that is more than the run itself took."""


class Executor(Protocol):
    """Starts jobs, and finds them again, also those another driver started.

    No method waits for a run. ``start`` of a job that is at work already starts nothing.
    """

    name: str

    def has_place(self, job: Job) -> bool:
        """Whether it could start now."""

    def start(self, job: Job) -> str:
        """Start it, and say where.

        Raises:
            MissingPartError: what it takes is not here.
            TrainingError: ``infrastructure``: it could not be started now.
        """

    def look(self, job: Job) -> Look:
        """How it is; what it has written by now is in its folder afterwards."""

    def stop(self, job: Job) -> None:
        """End it, and wait until it has; one that is nowhere is no error."""

    def close(self) -> None:
        """Let go of what was taken; jobs go on."""
