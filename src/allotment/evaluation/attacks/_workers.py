"""Processes that carry out tasks over one copy, each with a server and models of its own.

Tasks are split once, evenly. A process that dies costs the task it was at: another one goes on with the rest.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from allotment.errors import EngineError
from allotment.evaluation.attacks._copy import Copy
from allotment.evaluation.attacks._ledger import is_failed
from allotment.evaluation.canaries import Canary

IN_A_ROW = 20
"""So many failures one after the other, and something is broken: going on would only make more of them."""
_MOST_DEATHS = 3
_ENDS_S = 60.0
"""Seconds a process has to end what it is at, when it is told to stop."""

Progress = Callable[[str, int, int], None]
Note = Callable[[str], None]
Keep = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Setup:
    """What every process opens."""

    copy: Copy
    canaries: tuple[Canary, ...]
    threads: int
    """Of the models of one process."""


@dataclass
class _Part:
    """The tasks of one process, and how far it is."""

    tasks: list[Any]
    process: BaseProcess
    connection: Connection
    at: str = ""
    """Key of the task it is at."""
    done: set[str] = field(default_factory=set)
    deaths: int = 0
    asked_to_stop: bool = False
    many: frozenset[str] = field(init=False)
    """Keys of tasks that make attempts of their own, each of which counts."""

    def __post_init__(self) -> None:
        self.many = frozenset(task.key for task in self.tasks if task.most)

    def left(self) -> list[Any]:
        """What is not done and was not begun."""
        return [task for task in self.tasks if task.key not in self.done and task.key != self.at]


@dataclass
class Failures:
    """How many tasks failed one after the other, over all processes."""

    in_a_row: int = 0
    last: str = ""

    def note(self, row: dict[str, Any]) -> None:
        """Count a row.

        Raises:
            EngineError: there were too many in a row.
        """
        self.in_a_row = self.in_a_row + 1 if is_failed(row) else 0
        self.last = str(row.get("detail", "")) if is_failed(row) else self.last
        if self.in_a_row >= IN_A_ROW:
            raise EngineError(
                f"{IN_A_ROW} attempts in a row failed, the last with: {self.last}",
                element="what is attacked",
                remedy="Mend that, then run the same command again: what is done is kept, what failed is tried again.",
            )


def carry_out(
    setup: Setup,
    tasks: Sequence[Any],
    workers: int,
    keep: Keep,
    *,
    label: str,
    progress: Progress | None = None,
    note: Note | None = None,
    deadline: float | None = None,
) -> bool:
    """Do all tasks; ``keep`` is told key and row of each end. Returns whether all were done before ``deadline``.

    Args:
        setup: what each process opens.
        tasks: in the order they are to be begun.
        workers: processes at most.
        keep: called in this process.
        label: what progress is about.
        progress: called with the label, tasks done and tasks in all; of a task that makes many attempts each counts.
        note: told of each process that died.
        deadline: moment (``time.monotonic``) at which no task is begun any more.

    Raises:
        EngineError: twenty tasks in a row failed, or processes died again and again.
    """
    if not tasks:
        return True
    parts = [_start(setup, list(tasks[index :: max(1, workers)])) for index in range(min(workers, len(tasks)))]
    try:
        total = sum(task.most or 1 for task in tasks)
        return _Minder(setup, parts, keep, label, total, progress, note, deadline).run()
    finally:
        for part in parts:
            _end(part)


@dataclass
class _Minder:
    setup: Setup
    parts: list[_Part]
    keep: Keep
    label: str
    total: int
    progress: Progress | None
    note: Note | None
    deadline: float | None
    failures: Failures = field(default_factory=Failures)
    ended: int = 0

    def run(self) -> bool:
        """Mind the processes until all have ended."""
        live = list(self.parts)
        while live:
            ready = wait([part.connection for part in live], timeout=0.5)
            for part in [part for part in live if part.connection in ready]:
                if not self._hear(part):
                    live.remove(part)
            if self.deadline is not None and time.monotonic() >= self.deadline:
                self._stop(live)
        return all(not part.left() for part in self.parts)

    def _hear(self, part: _Part) -> bool:
        """Take one message; whether the process goes on."""
        try:
            kind, key, row = part.connection.recv()
        except (EOFError, OSError):
            return self._died(part)
        if kind == "began":
            part.at = key
        elif kind == "row":
            self.keep(key, row)
            self.failures.note(row)
            if part.at in part.many:
                self._step()
        elif kind == "done":
            self._count(part, key)
        elif kind == "fault":
            raise EngineError(str(row), element="a process that attacks", remedy="Mend that, then run this again.")
        return bool(kind != "end")

    def _count(self, part: _Part, key: str) -> None:
        if key not in part.many:
            self._step()
        part.done.add(key)
        part.at = ""

    def _step(self) -> None:
        self.ended = min(self.ended + 1, self.total)
        if self.progress is not None:
            self.progress(self.label, self.ended, self.total)

    def _died(self, part: _Part) -> bool:
        part.process.join(_ENDS_S)
        code, rest = part.process.exitcode, part.left()
        if part.at:
            lost = {"ending": "failed", "detail": f"the process ended while it was at it (exit code {code})"}
            self.keep(part.at, lost)
            self._count(part, part.at)
            self.failures.note(lost)
        if self.note is not None:
            self.note(
                f"A process that attacks ended (exit code {code}); another one goes on with its {len(rest)} tasks."
            )
        part.deaths += 1
        if not rest or part.asked_to_stop:
            return False
        if part.deaths >= _MOST_DEATHS:
            raise EngineError(
                f"a process that attacks ended {part.deaths} times (exit code {code}).",
                remedy="Look whether memory is short; fewer --workers need less. The same command goes on from here.",
            )
        again = _start(self.setup, rest)
        part.process, part.connection, part.tasks, part.at = again.process, again.connection, rest, ""
        return True

    def _stop(self, live: Sequence[_Part]) -> None:
        for part in live:
            _ask_to_stop(part)


def _ask_to_stop(part: _Part) -> None:
    if not part.asked_to_stop:
        part.asked_to_stop = True
        try:
            part.connection.send("stop")
        except OSError:
            return


def _start(setup: Setup, tasks: list[Any]) -> _Part:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(setup, tasks, theirs), daemon=False)
    process.start()
    theirs.close()
    return _Part(tasks, process, ours)


def _end(part: _Part) -> None:
    """Let the process end what it is at; one that does not is ended."""
    _ask_to_stop(part)
    limit = time.monotonic() + _ENDS_S
    while part.process.is_alive() and time.monotonic() < limit:
        try:
            while part.connection.poll(0.05):  # it waits for its words to be heard
                part.connection.recv()
        except (EOFError, OSError):
            break
    part.process.join(max(0.1, limit - time.monotonic()))
    if part.process.is_alive():
        part.process.kill()
        part.process.join()
    part.connection.close()


def work(setup: Setup, tasks: list[Any], connection: Connection) -> None:
    """What a process does: open the copy, do each task, and say so; Ctrl-C is its parent's to mind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    from allotment.errors import AllotmentError
    from allotment.evaluation.attacks._doors import Doors
    from allotment.evaluation.attacks._target import open_target
    from allotment.evaluation.attacks._tasks import Performer

    try:
        with open_target(setup.copy, threads=setup.threads) as target:
            doors = Doors(target, setup.canaries)
            try:
                _do_all(Performer(doors, setup.canaries), tasks, connection)
            finally:
                doors.close()
    except AllotmentError as error:
        connection.send(("fault", "", str(error)))
    except (BrokenPipeError, ConnectionError):  # its parent is gone, and with it whoever would want to know
        return
    connection.close()


def end_with_parent() -> None:
    """End at once when the parent is gone: what is left is done for nobody, and would keep the copy in use."""
    parent = multiprocessing.parent_process()

    def mind() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=mind, name="parent", daemon=True).start()


def _do_all(performer: Any, tasks: list[Any], connection: Connection) -> None:
    for task in tasks:
        if connection.poll():
            break
        connection.send(("began", task.key, None))
        for key, row in performer.perform(task):
            connection.send(("row", key, row))
            if task.most and connection.poll():  # one that makes many attempts is left in between
                connection.send(("end", "", None))
                return
        connection.send(("done", task.key, None))
    connection.send(("end", "", None))


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
