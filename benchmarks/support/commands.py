"""Commands that are timed, watched, and killed at a given moment."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.memory import MemoryWatch

_STEP = re.compile(r"^(\d+)\. (.+?): (.*) \(((?:\d+ h )?(?:\d+ min )?\d+ (?:s|min))\)$")
_BEGIN = re.compile(r"\d+ agents for \d+ roles, in ")
_KEPT = re.compile(r"PATH|TMPDIR|LANG|LC_\w+|PIP_\w+|\w+_proxy|\w+_PROXY|SSL_CERT_\w+|REQUESTS_CA_BUNDLE")


def timed(
    command: Sequence[str | Path], cwd: Path, environment: Mapping[str, str], kill_after_s: float | None = None
) -> dict[str, Any]:
    """Run a command that may show a demo's steps, and kill its whole group after a time if one is given.

    Returns:
        Exit code (negative: the signal that ended it), wall seconds, memory, seconds before the demo itself began,
        its steps as printed with the second each was over at, and the last line where it failed.
    """
    began, figures = time.monotonic(), dict[str, Any]()
    steps: list[dict[str, Any]] = []
    last = ""
    with MemoryWatch() as memory, _started(command, cwd, environment) as process:
        memory.own.add(process.pid)
        timer = threading.Timer(kill_after_s or 0, os.killpg, (process.pid, signal.SIGKILL))
        if kill_after_s is not None:
            timer.start()
        for line in process.stdout or ():
            at_s, last = round(time.monotonic() - began, 1), line.strip() or last
            if _BEGIN.search(line):
                figures["setup_seconds"] = at_s
            if match := _STEP.match(line.strip()):
                _, title, result, took = match.groups()
                steps.append({"step": title, "result": result, "time": took, "at_s": at_s})
        code = process.wait()
        timer.cancel()
    seconds = round(time.monotonic() - began, 1)
    if code:
        figures["last_line"] = last
    return {"exit": code, "seconds": seconds, **memory.figures(), **figures, "steps": steps}


def _started(command: Sequence[str | Path], cwd: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    # Unbuffered, so that a step's line comes when the step is over.
    surroundings = {**environment, "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        command, cwd=cwd, env=surroundings, stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def newcomer(home: Path) -> dict[str, str]:
    """The environment of somebody who has nothing yet: an empty home, this machine's programs and package index."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    own = os.environ.get("VIRTUAL_ENV")
    if own:
        kept["PATH"] = os.pathsep.join(part for part in kept["PATH"].split(os.pathsep) if not part.startswith(own))
    settings = (Path.home() / ".config" / "pip" / "pip.conf", Path.home() / ".pip" / "pip.conf")
    for file in settings:
        if file.is_file():
            kept.setdefault("PIP_CONFIG_FILE", str(file))
    return {**kept, "HOME": str(home)}
