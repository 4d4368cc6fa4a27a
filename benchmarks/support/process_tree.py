"""A command and all processes it starts: wall and processor seconds, and peak memory of all together."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_EVERY_S = 0.1
_MIB = 2**20


@dataclass
class Run:
    """One run of a command."""

    exit: int | None = None
    """``None``: it took too long and was ended."""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    """Of the whole tree."""
    peak_mib: float = 0.0
    """Largest sum of the resident memory of the tree, sampled ten times a second; shared pages count for each."""
    output: str = ""
    """Of both streams."""
    _cpu_of: dict[int, float] = field(default_factory=dict, repr=False)

    def sample(self, root: psutil.Process) -> None:
        """Look at the tree now."""
        total = 0
        with suppress(psutil.NoSuchProcess):
            for process in (root, *root.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    self._cpu_of[process.pid] = times.user + times.system
                    total += process.memory_info().rss
        self.peak_mib = max(self.peak_mib, round(total / _MIB, 1))

    def sampled_cpu_s(self) -> float:
        """Processor seconds as they were seen last."""
        return sum(self._cpu_of.values())


def run_watched(
    command: Sequence[str | Path], *, cwd: Path, environment: Mapping[str, str], log: Path, limit_s: float
) -> Run:
    """Run a command, in a group of its own; it is ended after ``limit_s``. No other child may end meanwhile."""
    run, began, cpu_before = Run(), time.monotonic(), _children_cpu_s()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
        root = psutil.Process(process.pid)
        while process.poll() is None:
            run.sample(root)
            if time.monotonic() - began > limit_s:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(_EVERY_S)
        else:
            run.exit = process.returncode
    run.wall_s = round(time.monotonic() - began, 2)
    # The first lacks processes nobody waited for, the second the last moments of each.
    run.cpu_s = round(max(_children_cpu_s() - cpu_before, run.sampled_cpu_s()), 2)
    run.output = log.read_text(encoding="utf-8", errors="replace")
    return run


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
