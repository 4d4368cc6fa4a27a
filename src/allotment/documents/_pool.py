"""Worker processes that read documents, each with a bound on time and memory; one that hangs or dies is replaced."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import time
from types import TracebackType
from typing import Any, Self

from allotment.documents._read import Job, Reading
from allotment.documents._worker import job_header, reading_of, send

LIMIT_S = 60.0
"""Longest time one document may take."""
LIMIT_BYTES = 2 * 1024**3
"""Address space of one process: the interpreter, the parsers' libraries and the document."""
DOCLING_LIMIT_S, DOCLING_LIMIT_BYTES = 900.0, 24 * 1024**3
"""The same where docling reads: its models take longer than a document, and reserve address space they never use."""
_GRACE_S = 5.0
_BLOCK = 1 << 20


class _WorkerGone(Exception):
    """The process ended before it answered."""


class _Worker:
    """One process, started with its first job and again after it was lost."""

    def __init__(self, limit_s: float, limit_bytes: int) -> None:
        self._limit_s = limit_s
        self._limit_bytes = limit_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: socket.socket | None = None

    def read(self, job: Job, raw: bytes) -> Reading:
        """The document's reading; a job that costs the process its life fails alone."""
        connection = self._started()
        deadline = time.monotonic() + self._limit_s
        try:
            connection.settimeout(self._limit_s)
            send(connection, job_header(job), raw)
            return _receive(connection, deadline)
        except TimeoutError:
            self.stop()
            return Reading(failed=f"took longer than {self._limit_s:g} s to read; cut it into smaller files")
        except (_WorkerGone, OSError, ValueError):
            self.stop()
            return Reading(failed="ended the process that read it (it crashed, or needed too much memory)")

    def _started(self) -> socket.socket:
        if self._connection is None:
            ours, theirs = socket.socketpair()
            with theirs:
                descriptor = theirs.fileno()
                limits = [str(self._limit_bytes), str(self._limit_s + _GRACE_S)]
                command = [sys.executable, "-m", "allotment.documents._worker", str(descriptor), *limits]
                self._process = subprocess.Popen(
                    command, pass_fds=(descriptor,), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
            self._connection = ours
        return self._connection

    def stop(self) -> None:
        """End the process, whatever it does."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class WorkerPool:
    """As many workers as threads read at once. Thread-safe; a context manager that ends them."""

    def __init__(self, size: int = 0, *, limit_s: float = LIMIT_S, limit_bytes: int = LIMIT_BYTES) -> None:
        """``size`` 0 takes one worker for each core; processes start when they are first needed."""
        self.size = size or os.cpu_count() or 1
        self._workers = [_Worker(limit_s, limit_bytes) for _ in range(self.size)]
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        for worker in self._workers:
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.stop()

    def read(self, job: Job, raw: bytes) -> Reading:
        """Read one document; waits for a worker that is free."""
        worker = self._idle.get()
        try:
            return worker.read(job, raw)
        finally:
            self._idle.put(worker)


def _receive(connection: socket.socket, deadline: float) -> Reading:
    """One answer: a line of JSON, then the bytes it announces."""
    got = bytearray()
    while b"\n" not in got:
        got += _some(connection, deadline)
    line, _, rest = bytes(got).partition(b"\n")
    header: dict[str, Any] = json.loads(line)
    body = bytearray(rest)
    while len(body) < header["bytes"]:
        body += _some(connection, deadline)
    return reading_of(header, bytes(body))


def _some(connection: socket.socket, deadline: float) -> bytes:
    connection.settimeout(max(0.001, deadline - time.monotonic()))
    block = connection.recv(_BLOCK)
    if not block:
        raise _WorkerGone
    return block
