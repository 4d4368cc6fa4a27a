"""A run whose training is a few lines of Python: what is tested is who watches over it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from allotment.experiments import _supervise
from allotment.experiments._executor import Job

SCRIPT = Path(_supervise.__file__)
DEADLINE_S = 60.0

ENDS = """
import json, sys, os
from pathlib import Path
out = Path(sys.argv[1]).parent
(out / "result.json").write_text(json.dumps({result}))
sys.exit({code})
"""
"""A training that ends as it is told."""

STEPS = """
import json, sys, time
from pathlib import Path
out = Path(sys.argv[1]).parent
place, rows = out / "checkpoints", out / "metrics.jsonl"
place.mkdir(exist_ok=True)
done = max((int(path.name.rpartition("-")[2]) for path in place.glob("checkpoint-*")), default=0)
if done:
    with rows.open("a") as file:
        file.write(json.dumps({{"step": done, "event": "resumed", "detail": ""}}) + "\\n")
gate = Path({gate!r})
for step in range(done + 1, {steps} + 1):
    time.sleep({pause})
    while {gate!r} and step == {steps} and not gate.exists():
        time.sleep(0.02)
    folder = place / f".checkpoint-{{step}}"
    folder.mkdir()
    (folder / "weights").write_text(str(step))
    (folder / "seal.json").write_text("sealed")
    folder.rename(place / f"checkpoint-{{step}}")
    with rows.open("a") as file:
        row = {{"step": step, "epoch": step / {steps}, "loss": 1 / step, "seconds": step * {pause}}}
        file.write(json.dumps({{**row, "tokens_per_second": 10.0, "peak_gib": 0.1}}) + "\\n")
measured = {{"final_loss": 1 / {steps}, "seconds": {steps} * {pause}, "steps": {steps}, "epochs": 1.0, "paused": False}}
(out / "result.json").write_text(json.dumps({{"state": "ok", "measured": measured}}))
"""
"""A training of so many steps, each with a checkpoint, that goes on from the last one."""


def ends(state: str, code: int, **more: Any) -> str:
    """Source of a training that ends so."""
    result = {"state": state, **({"measured": {"final_loss": 0.5}} if state == "ok" else {"error": "why"}), **more}
    return ENDS.format(result=repr(result), code=code)


def steps(count: int, pause: float = 0.05, *, gate: Path | None = None) -> str:
    """Source of a training of so many steps; its last one is not done before the file ``gate`` is there."""
    return STEPS.format(steps=count, pause=pause, gate=str(gate or ""))


def make_run(folder: Path, source: str, *, attempt: int = 1, **spec: Any) -> Path:
    """A run's folder whose training is ``source``."""
    (folder / "work").mkdir(parents=True, exist_ok=True)
    worker = {"training": {"cards": 1, "epochs": 1}, "base": {"file": "none", "sha256": ""}}
    command = [sys.executable, "-c", source]
    whole = {"attempt": attempt, "worker": worker, "command": command, **spec}
    (folder / "spec.json").write_text(json.dumps(whole), encoding="utf-8")
    return folder


def job(folder: Path, attempt: int = 1, **more: Any) -> Job:
    """The attempt of that run."""
    settings: dict[str, Any] = {"needs_gib": 0.1, "cards": 1, "max_seconds": None, **more}
    return Job("stub", folder.name, attempt, folder, **settings)


def supervise(folder: Path, attempt: int = 1) -> subprocess.Popen[bytes]:
    """The supervisor, started as executors start it."""
    return subprocess.Popen([sys.executable, "-P", str(SCRIPT), str(folder), str(attempt)])


def ended(folder: Path, attempt: int = 1) -> tuple[int, dict[str, Any]]:
    """Exit code and ``result.json`` of an attempt that was let run."""
    with supervise(folder, attempt) as process:
        code = process.wait(DEADLINE_S)
    return code, _supervise.read_json(folder / "result.json")


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for something."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that ended and waits to be noticed does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
