"""Memory of everything this process started, sampled while it runs; Linux alone, ``None`` elsewhere."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PROC = Path("/proc")
_PR_SET_CHILD_SUBREAPER = 36
_GIB = 2**30


class MemoryWatch:
    """Samples the sum over all descendants: proportional set size where it may be read, resident set size elsewhere.

    Orphans become children of this process, so that a server that was started in the background is counted too.
    Nothing else may wait for children meanwhile, except for those named in ``own``.
    """

    def __init__(self, every_s: float = 0.5) -> None:
        self.own: set[int] = set()
        """Processes somebody else here waits for."""
        self._every_s = every_s
        self._peak = 0
        self._largest = (0, "")
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample_all, daemon=True)

    def __enter__(self) -> Self:
        if PROC.is_dir():
            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()

    def figures(self) -> dict[str, Any]:
        """Peak of the sum and of the largest single process in GiB, and which one that was."""
        if not self._peak:
            return {"peak_gib": None, "largest_process_gib": None, "largest_process": None}
        size, name = self._largest
        return {
            "peak_gib": round(self._peak / _GIB, 2),
            "largest_process_gib": round(size / _GIB, 2),
            "largest_process": name,
        }

    def _sample_all(self) -> None:
        while not self._end.wait(self._every_s):
            sizes = [(_size(pid), pid) for pid in self._living()]
            self._peak = max(self._peak, sum(size for size, _ in sizes))
            size, pid = max(sizes, default=(0, 0))
            if size > self._largest[0]:
                self._largest = (size, _name(pid))

    def _living(self) -> list[int]:
        """Descendants that live; adopted ones that ended are put to rest."""
        states = {pid: (parent, state) for pid, parent, state in _processes()}
        for pid, (parent, state) in states.items():
            if state == "Z" and parent == os.getpid() and pid not in self.own:
                with suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
        family, grown = {os.getpid()}, True
        while grown:
            more = {pid for pid, (parent, _) in states.items() if parent in family} - family
            family, grown = family | more, bool(more)
        return [pid for pid in family - {os.getpid()} if states[pid][1] != "Z"]


def _processes() -> Iterator[tuple[int, int, str]]:
    """Number, parent and state of every process."""
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                state, parent = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[:2]
                yield int(folder.name), int(parent), state


def _size(pid: int) -> int:
    """Bytes of one process; 0 if it is gone."""
    with suppress(OSError, IndexError):
        rollup = (PROC / str(pid) / "smaps_rollup").read_text()
        return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    with suppress(OSError, IndexError):
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _name(pid: int) -> str:
    """What the process runs, without its folders: ``python -m allotment.training.worker._worker``."""
    with suppress(OSError):
        words = (PROC / str(pid) / "cmdline").read_text(errors="replace").split("\0")
        return " ".join(Path(word).name for word in words[:3] if word)
    return "gone"
