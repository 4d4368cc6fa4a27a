"""SkyPilot's command line, as far as experiments need it. No credentials are read here: they are SkyPilot's own."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from allotment.errors import EngineError, MissingPartError

_STATES = ("UP", "INIT", "STOPPED", "AUTOSTOPPING")
_PATIENCE_S = 300.0
_LAUNCHES: list[subprocess.Popen[bytes]] = []
"""Nobody waits for them; they are noticed when they have ended."""
_OURS = ("lock", "launching.lock", "rented.*", "task.yaml", "spec.json", ".*")
"""Of a run's folder: what is not fetched, for it is this machine's, or half-written."""
_INSTALL = "Install it: `pip install 'skypilot[runpod]'`, then `sky check`."


@dataclass(frozen=True)
class Machine:
    """A machine that SkyPilot knows of."""

    name: str
    state: str
    line: str
    """As SkyPilot prints it: where, since when, which card."""


class Sky:
    """Calls ``sky`` and ``rsync``."""

    def __init__(self) -> None:
        """Raises ``MissingPartError`` where they are not installed."""
        for tool, remedy in (("sky", _INSTALL), ("rsync", "Install rsync.")):
            if shutil.which(tool) is None:
                raise MissingPartError(f"{tool} is not installed.", element="pods", remedy=remedy)

    def launch(self, name: str, task: Path, lock: Path, log: Path) -> None:
        """Rent the machine and start the task, in a process of its own that holds ``lock`` until that is done."""
        with lock.open("a") as held, log.open("ab") as out:
            fcntl.flock(held, fcntl.LOCK_EX)
            process = subprocess.Popen(
                [str(shutil.which("sky")), "launch", "-c", name, "-d", "-y", "--down", str(task)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=(held.fileno(),),
                start_new_session=True,
            )
        _LAUNCHES[:] = [one for one in _LAUNCHES if one.poll() is None]
        _LAUNCHES.append(process)

    def machines(self, prefix: str) -> list[Machine]:
        """Machines whose names begin so, as their providers know them now.

        Raises:
            EngineError: SkyPilot does not answer.
        """
        told = self._call("status", "--refresh")
        found = []
        for line in told.splitlines():
            words = line.split()
            if words and words[0].startswith(prefix):
                state = next((word for word in words if word in _STATES), "unknown")
                found.append(Machine(words[0], state, " ".join(words[1:])))
        return found

    def down(self, name: str) -> None:
        """End a machine.

        Raises:
            EngineError: it could not be ended, so it may still bill.
        """
        self._call("down", "-y", name)

    def fetch(self, name: str, remote: str, folder: Path) -> bool:
        """Bring a machine's run folder home; false if it does not answer."""
        place = remote.removeprefix("~/")
        ours = [word for name_of_ours in _OURS for word in ("--exclude", name_of_ours)]
        command = [str(shutil.which("rsync")), "-az", *ours, f"{name}:{place}/", f"{folder}/"]
        try:
            return subprocess.run(command, capture_output=True, timeout=_PATIENCE_S).returncode == 0
        except (OSError, subprocess.TimeoutExpired):
            return False

    def _call(self, *words: str) -> str:
        try:
            told = subprocess.run(
                [str(shutil.which("sky")), *words], capture_output=True, text=True, timeout=_PATIENCE_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError(f"sky {words[0]} does not answer ({error}).", element="SkyPilot") from error
        if told.returncode:
            last = (told.stderr or told.stdout).strip().rpartition("\n")[2]
            raise EngineError(
                f"sky {words[0]} failed: {last}", element="SkyPilot", remedy="`sky check` says what it lacks."
            )
        return told.stdout


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock."""
    try:
        with lock.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
