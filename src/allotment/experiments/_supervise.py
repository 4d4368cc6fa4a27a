"""One run of an experiment: ``python _supervise.py FOLDER ATTEMPT``. Spec in, ``result.json`` out, on any machine.

Starts the process that trains and watches over it: its time, its memory, how it ended. Uses the standard library alone,
for there are as many of these as runs in flight, and each has to begin in no time. Who starts it may die: it goes on,
unless it was told to end with him (``--with-parent``). Whoever wants to know whether a run is at work tries its lock.

The exit code says how it ended: 0 ok, 20 out of memory, 21 non-finite, 22 bad data, 23 configuration, 24 its time was
up, 25 stopped from outside, 33 anything of the machine, 75 another process is at work on this run.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

SPEC, RESULT, HEARTBEAT, PROCESS, LOCK, LOG = (
    "spec.json", "result.json", "heartbeat.json", "process.json", "lock", "log.txt",
)  # fmt: skip
WORK = "work"
"""Folder of the training itself: examples, checkpoints, metrics, what was learnt."""
EXIT_CODES = {
    "ok": 0,
    "out-of-memory": 20,
    "non-finite": 21,
    "bad-data": 22,
    "configuration": 23,
    "time-limit": 24,
    "stopped": 25,
    "infrastructure": 33,
}
BUSY = 75
_LOOK_S = 0.1
_HEARTBEAT_S = 1.0
_LOCK_S = 1.0
_MERCY_S = 5.0
"""Between asking a training to end and ending it."""
_DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of prctl(2)."""
_WITHOUT_A_WORD = "the process ended without a word: it was killed, or the machine went down"


def main(folder: Path, attempt: int) -> int:
    """Run the attempt, unless it has ended or the run is at work already; gives the exit code."""
    began = time.monotonic()
    with (folder / LOCK).open("a") as lock:
        if not _taken(lock):
            return BUSY
        if read_json(folder / SPEC).get("attempt", attempt) != attempt:
            return BUSY  # a later attempt is on its way
        ended = read_json(folder / RESULT)
        if ended.get("attempt") == attempt and ended.get("state") in EXIT_CODES:
            return EXIT_CODES[ended["state"]]
        put(folder / PROCESS, {"pid": os.getpid(), "attempt": attempt})
        one = _Attempt(folder, attempt, began)
        try:
            outcome = one.run()
        except Exception as error:
            outcome = {"state": "infrastructure", "error": f"{type(error).__name__}: {error}"}
        outcome["training_s"] = round(one.training_s, 3)
        seconds = round(time.monotonic() - began, 3)
        put(
            folder / RESULT,
            {"attempt": attempt, "seconds": seconds, "exit_code": EXIT_CODES[outcome["state"]], **outcome},
        )
        return EXIT_CODES[outcome["state"]]


def _taken(lock: IO[str]) -> bool:
    """Whether the lock is ours now; who only looks whether it is held has it for an instant."""
    deadline = time.monotonic() + _LOCK_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_S / 10)
        else:
            return True


class _Attempt:
    """The training process of one attempt, from its start to what became of it."""

    def __init__(self, folder: Path, attempt: int, began: float) -> None:
        self._folder, self._attempt, self._began = folder, attempt, began
        self._spec = read_json(folder / SPEC)
        self._ended_for: dict[str, Any] | None = None
        self._peak_gib = 0.0
        self.training_s = 0.0
        """How long the training process lived."""
        self._beat = 0.0
        self._kills = _kernel_kills()
        signal.signal(signal.SIGTERM, self._stop)

    def run(self) -> dict[str, Any]:
        """State, error and what was measured."""
        if not self._spec:
            return {"state": "configuration", "error": "the run's spec is not there or was cut short"}
        work = self._folder / WORK
        work.mkdir(exist_ok=True)
        (work / RESULT).unlink(missing_ok=True)
        put(work / SPEC, self._of_this_machine(work))
        with (self._folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                self._command(work), stdout=subprocess.DEVNULL, stderr=log, preexec_fn=die_with_parent
            )
            started = time.monotonic()
            try:
                self._watch(process)
            finally:
                _end(process)
                self.training_s = time.monotonic() - started
        ended_well = process.returncode == 0  # a stop that came too late takes nothing away
        return self._outcome(work, 0) if ended_well else self._ended_for or self._outcome(work, process.returncode)

    def _command(self, work: Path) -> list[str]:
        module = "allotment.training.worker._worker"
        if self._spec["worker"]["training"]["cards"] > 1:
            module = "allotment.experiments._several"
        return [*(self._spec.get("command") or [sys.executable, "-m", module]), str(work / SPEC)]

    def _of_this_machine(self, work: Path) -> dict[str, Any]:
        """The worker's spec with paths that are true here."""
        worker, folder = dict(self._spec["worker"]), self._folder
        for key in ("examples_file", "validation_file", "questions_file"):
            worker[key] = str(work / worker[key]) if worker.get(key) else None
        worker["out"], worker["trackers"] = str(work), str(folder / "trackers")
        worker["base"] = {**worker["base"], "file": str(_model_file(worker["base"]["file"], folder))}
        return worker

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        limit, most = self._spec.get("max_seconds"), self._spec.get("memory_gib")
        while process.poll() is None:
            seconds = time.monotonic() - self._began
            held = _held_gib(process.pid)
            self._peak_gib = max(self._peak_gib, held)
            if self._ended_for is None and limit is not None and seconds > limit:
                self._ended_for = {"state": "time-limit", "error": f"its {limit / 60:.3g} minutes were up"}
            if self._ended_for is None and most is not None and held > most:
                told = f"it held {held:.2f} GiB of RAM and may hold {most:.2f}"
                self._ended_for = {"state": "out-of-memory", "error": told, "remedy": "Raise limits.memory_gib."}
            if self._ended_for is not None:
                return
            if seconds - self._beat >= _HEARTBEAT_S:
                self._beat = seconds
                put(self._folder / HEARTBEAT, {"attempt": self._attempt, "seconds": round(seconds, 3)}, sync=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK_S)

    def _stop(self, *_: Any) -> None:
        self._ended_for = {"state": "stopped", "error": "it was stopped"}

    def _outcome(self, work: Path, code: int) -> dict[str, Any]:
        told = read_json(work / RESULT)
        state = told.get("state")
        if state == "ok" and code == 0 and isinstance(told.get("measured"), dict):
            return {"state": "ok", "measured": told["measured"]}
        if state in EXIT_CODES and state not in ("ok", "infrastructure"):
            return {"state": state, **_said(told)}
        if code == -signal.SIGKILL and _kernel_kills() > self._kills:
            held = f"; it held {self._peak_gib:.2f} GiB at its most"
            return {"state": "out-of-memory", "error": f"the kernel ended it, for the machine had no memory left{held}"}
        if state == "infrastructure" and "element" in told:
            return {"state": state, **_said(told)}
        last = _last_line(self._folder / LOG)
        return {"state": "infrastructure", "error": f"{_WITHOUT_A_WORD} (exit code {code}). {last}".strip()}


def _said(told: Mapping[str, Any]) -> dict[str, Any]:
    return {key: told[key] for key in ("error", "element", "remedy") if told.get(key)}


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_MERCY_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def die_with_parent() -> None:
    """End when the parent does, however that ends: no card stays taken by a training without an owner."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def _model_file(named: str, folder: Path) -> Path:
    """The base model: where the spec says, beside the spec, or in the cache of this machine."""
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    shared = os.environ.get("ALLOTMENT_MODELS") or f"{cache}/allotment/models"
    places = (Path(named), folder / Path(named).name, Path(shared) / Path(named).name)
    return next((place for place in places if place.exists()), places[0])


def _held_gib(pid: int) -> float:
    """RAM that the process and those it started hold; 0 where the system does not say."""
    pages = 0
    for one in (pid, *_children(pid)):
        with contextlib.suppress(OSError, IndexError, ValueError):
            pages += int(Path(f"/proc/{one}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**30


def _children(pid: int) -> list[int]:
    try:
        found = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []
    return [*found, *(below for one in found for below in _children(one))]


def _kernel_kills() -> int:
    """How many processes the kernel has ended for want of memory: in this control group, and on the machine."""
    total = 0
    for file in ("/sys/fs/cgroup/memory.events", "/proc/vmstat"):
        with contextlib.suppress(OSError, ValueError):
            for line in Path(file).read_text(encoding="ascii").splitlines():
                if line.startswith("oom_kill "):
                    total += int(line.split()[1])
    return total


def _last_line(log: Path) -> str:
    with contextlib.suppress(OSError):
        return log.read_bytes()[-2000:].decode("utf-8", "replace").strip().rpartition("\n")[2][-300:]
    return ""


def read_json(file: Path) -> dict[str, Any]:
    """A file's object; empty if it is not there, was cut short, or is something else."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def put(file: Path, value: Mapping[str, Any], *, sync: bool = True) -> None:
    """Replace a file whole; ``sync``: so that it survives a loss of power."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as partial:
        json.dump(value, partial)
        partial.flush()
        if sync:
            os.fsync(partial.fileno())
    Path(name).replace(file)


if __name__ == "__main__":
    if "--with-parent" in sys.argv:
        die_with_parent()
    sys.exit(main(Path(sys.argv[1]).resolve(), int(sys.argv[2])))
