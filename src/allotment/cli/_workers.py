"""Several processes that serve one project on one port, and the one that minds them.

A reload goes through all of them in step: no worker opens what the new file adds before every worker stopped what it
forbids.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from allotment.cli._serving import Reloader

_CALL = "from allotment.cli import main; main()"
_STEP_S = 600.0
"""Seconds a worker has for one step of a reload."""
_SETTLED_S = 10.0
"""A worker that lived this long did not fail at its start."""
_MOST_FAILURES = 3


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    control: socket.socket
    lines: TextIO
    began: float = field(default_factory=time.monotonic)

    def ask(self, word: str) -> str:
        """Say a word and wait for the answer; a worker that is gone or silent says nothing."""
        try:
            self.control.sendall(f"{word}\n".encode())
            return self.lines.readline().strip()
        except OSError:
            return ""


class Supervisor:
    """Starts workers, starts those anew that die, passes signals on, and leads reloads."""

    def __init__(
        self,
        folder: Path,
        host: str,
        listener: socket.socket,
        many: int,
        metrics_port: int | None,
        note: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._host = host
        self._listener = listener
        self._many = many
        self._metrics_port = metrics_port
        self._note = note
        self._workers: dict[int, _Worker] = {}
        self._wake = threading.Event()
        self._stopping = False
        self._reload = False
        self._failures = 0

    def run(self) -> int:
        """Serve until a signal; returns the exit code: 0 when every worker ended well."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, self._ask_reload)
        signal.signal(signal.SIGCHLD, lambda number, frame: self._wake.set())
        for index in range(self._many):
            self._workers[index] = self._start(index)
        while not self._stopping:
            self._wake.wait(1.0)
            self._wake.clear()
            self._mind()
            if self._reload and not self._stopping:
                self._reload = False
                self._lead_reload()
        return self._end()

    def _start(self, index: int) -> _Worker:
        mine, theirs = socket.socketpair()
        mine.settimeout(_STEP_S)
        fds = (self._listener.fileno(), theirs.fileno())
        arguments = ["-C", str(self._folder), "serve", "--host", self._host, "--worker", str(index)]
        arguments += ["--listen-fd", str(fds[0]), "--control-fd", str(fds[1])]
        if self._metrics_port is not None:
            arguments += ["--metrics-port", str(self._metrics_port)]
        # A Ctrl-C at the terminal comes to this process alone, which passes it on.
        process = subprocess.Popen([sys.executable, "-c", _CALL, *arguments], pass_fds=fds, start_new_session=True)
        theirs.close()
        return _Worker(process, mine, mine.makefile("r", encoding="utf-8"))

    def _mind(self) -> None:
        for index, worker in list(self._workers.items()):
            if worker.process.poll() is None or self._stopping:
                continue
            code = worker.process.returncode
            worker.control.close()
            quick = time.monotonic() - worker.began < _SETTLED_S
            self._failures = self._failures + 1 if quick else 0
            if self._failures >= _MOST_FAILURES:
                self._note(f"Worker {index} ended with {code} again and again; giving up.")
                self._stopping = True
                return
            self._note(f"Worker {index} ended with {code}; another takes its place.")
            self._workers[index] = self._start(index)

    def _lead_reload(self) -> None:
        workers = list(self._workers.values())
        read = {worker.ask("prepare") for worker in workers}
        # All must have read the same file; it may have been written again between two of them.
        if len(read) != 1 or not read.pop().startswith("yes ") or workers[0].ask("commit") != "yes":
            for worker in workers:
                worker.ask("drop")
            return
        for worker in workers[1:]:
            if worker.ask("follow") != "yes":
                # The others have the new file in force; this one must not go on with the old one.
                worker.process.send_signal(signal.SIGTERM)

    def _end(self) -> int:
        self._listener.close()
        for worker in self._workers.values():
            if worker.process.poll() is None:
                worker.process.send_signal(signal.SIGTERM)
        codes = {worker.process.wait() for worker in self._workers.values()}
        # One that was only starting has no handler yet and dies of the signal; it served nobody.
        return 0 if codes <= {0, -signal.SIGTERM} else 1

    def _stop(self, number: int, frame: object) -> None:
        if self._stopping:  # the second time: at once
            for worker in self._workers.values():
                with suppress(ProcessLookupError):
                    worker.process.send_signal(signal.SIGTERM)
        self._stopping = True
        self._wake.set()

    def _ask_reload(self, number: int, frame: object) -> None:
        self._reload = True
        self._wake.set()


def obey(control_fd: int, reloader: Reloader) -> None:
    """Do what the supervisor says, step by step; stop when it is gone."""
    control = socket.socket(fileno=control_fd)
    steps: dict[str, Callable[[], bool | str | None]] = {
        "prepare": reloader.prepare,
        "commit": reloader.commit,
        "follow": reloader.follow,
        "drop": reloader.drop,
    }

    def listen() -> None:
        with control, control.makefile("rw", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                lines.write(_reply(steps[line.strip()]()))
                lines.flush()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=listen, name="control", daemon=True).start()


def _reply(done: bool | str | None) -> str:
    if isinstance(done, str):
        return f"yes {done}\n"
    return "yes\n" if done else "no\n"
