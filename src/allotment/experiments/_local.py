"""Runs as processes of this machine: a card of their own each, or a share of the processor."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from allotment.errors import TrainingError
from allotment.experiments import _supervise
from allotment.experiments._executor import Job, Look
from allotment.training._device import machine_memory_gib
from allotment.training._process import environment

_QUERY = ("--query-gpu=index,memory.free", "--format=csv,noheader,nounits")
_LEFT_TO_OTHERS = 0.1
"""Share of a processor's memory that runs do not take."""
_STOP_S = 15.0
_STARTED: list[subprocess.Popen[bytes]] = []
"""Runs go on when their driver lets go of them, in whatever way; this process waits for them all the same."""
_SCRIPT = Path(_supervise.__file__)


@dataclass(frozen=True)
class Machine:
    """What this machine has for runs."""

    cards: tuple[int, ...]
    """Indices of its cards; none: runs share the processor."""
    memory_gib: float | None
    """RAM for all runs on a processor together."""
    cores: int

    @classmethod
    def here(cls) -> Machine:
        """This one, as it is now."""
        memory = machine_memory_gib()
        return cls(
            tuple(sorted(free_gib())),
            None if memory is None else memory * (1 - _LEFT_TO_OTHERS),
            len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        )


class Local:
    """Processes in sessions of their own: they outlive the driver, and the next one finds them by their locks."""

    name = "local"

    def __init__(self, in_flight: int | None = None, machine: Machine | None = None) -> None:
        """``in_flight``: most runs at once; as many as there are cards, or cores, if none."""
        self._machine = machine or Machine.here()
        self._places = in_flight or len(self._machine.cards) or self._machine.cores
        self._held: dict[str, tuple[Job, tuple[int, ...]]] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def has_place(self, job: Job) -> bool:
        """See ``Executor``; memory is asked for anew each time, for others use the machine as well."""
        if len(self._held) >= self._places:
            return False
        return bool(self._cards_for(job)) if self._machine.cards else self._has_memory(job)

    def _has_memory(self, job: Job) -> bool:
        if not self._held or job.needs_gib is None or self._machine.memory_gib is None:
            return True  # a run that is alone may try
        taken = sum(other.needs_gib or 0.0 for other, _ in self._held.values())
        return taken + job.needs_gib <= self._machine.memory_gib

    def _cards_for(self, job: Job) -> tuple[int, ...]:
        """Cards nobody of ours has and that have the memory free, those with most first; empty if there are too few."""
        taken = {card for _, cards in self._held.values() for card in cards}
        free = {card: gib for card, gib in free_gib().items() if card in self._machine.cards and card not in taken}
        fit = [card for card in sorted(free, key=lambda card: -free[card]) if free[card] >= (job.needs_gib or 0.0)]
        return tuple(fit[: job.cards]) if len(fit) >= job.cards else ()

    def start(self, job: Job) -> str:
        """See ``Executor``."""
        cards = self._cards_for(job) if self._machine.cards else ()
        if self._machine.cards and not cards:
            raise TrainingError("no card is free any longer.", kind="infrastructure", element=job.name)
        command = [sys.executable, "-P", str(_SCRIPT), str(job.folder), str(job.attempt)]
        with (job.folder / _supervise.LOG).open("ab") as log:
            self._children[job.name] = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env=self._environment(cards),
                start_new_session=True,
            )
        _STARTED[:] = [*(one for one in _STARTED if one.poll() is None), self._children[job.name]]
        self._held[job.name] = job, cards
        return ", ".join(f"card {card}" for card in cards) or "processor"

    def _environment(self, cards: tuple[int, ...]) -> Mapping[str, str]:
        if cards:
            return {**environment(), "CUDA_VISIBLE_DEVICES": ",".join(map(str, cards))}
        return {"OMP_NUM_THREADS": str(max(1, self._machine.cores // self._places)), **environment()}

    def look(self, job: Job) -> Look:
        """See ``Executor``."""
        child = self._children.get(job.name)
        if (child is not None and child.poll() is None) or is_at_work(job.folder):
            self._held.setdefault(job.name, (job, _cards_of(job.folder)))
            return Look("running")
        self._held.pop(job.name, None)
        self._children.pop(job.name, None)
        ended = _supervise.read_json(job.folder / _supervise.RESULT).get("attempt") == job.attempt
        return Look("ended") if ended else Look("absent", "its process is gone and left no result")

    def stop(self, job: Job) -> None:
        """See ``Executor``."""
        child, deadline = self._children.get(job.name), time.monotonic() + _STOP_S
        while self.look(job).state == "running":
            told = _supervise.read_json(job.folder / _supervise.PROCESS)
            pid = child.pid if child is not None else told.get("pid")
            late = time.monotonic() > deadline
            if pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL if late else signal.SIGTERM)
            time.sleep(0.05)

    def close(self) -> None:
        """See ``Executor``."""
        self._children.clear()
        self._held.clear()


def is_at_work(folder: Path) -> bool:
    """Whether a process holds the lock of a run: whatever pids and clocks say, it lives."""
    try:
        with (folder / _supervise.LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _cards_of(folder: Path) -> tuple[int, ...]:
    """Cards that a run which another driver started was given."""
    pid = _supervise.read_json(folder / _supervise.PROCESS).get("pid")
    with suppress(OSError, ValueError, TypeError):
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if entry.startswith(b"CUDA_VISIBLE_DEVICES="):
                return tuple(int(card) for card in entry.partition(b"=")[2].split(b",") if card)
    return ()


def free_gib() -> dict[int, float]:
    """Free memory of each card this process may use; empty where there is none."""
    tool, allowed = shutil.which("nvidia-smi"), os.environ.get("CUDA_VISIBLE_DEVICES")
    if tool is None or allowed == "":
        return {}
    try:
        told = subprocess.run([tool, *_QUERY], capture_output=True, text=True, timeout=20, check=True).stdout
        pairs = [line.split(",") for line in told.splitlines() if line.strip()]
        found = {int(card): float(mebibytes) / 1024 for card, mebibytes in pairs}
    except (OSError, subprocess.SubprocessError, ValueError):
        return {}
    return {card: gib for card, gib in found.items() if allowed is None or str(card) in allowed.split(",")}
