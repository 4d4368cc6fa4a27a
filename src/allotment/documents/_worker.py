"""The process that reads documents: jobs in, readings out, over one socket; memory is bounded by the system.

A parser meets files nobody trusts. Here it can use up its memory or its time, or crash, and only one document fails.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
from base64 import b64decode, b64encode
from dataclasses import asdict
from typing import Any

from allotment.documents._read import Job, Reading, read_document
from allotment.documents._scrub import Scrub
from allotment.documents._types import Replaced
from allotment.project import SectionsConfig


def send(connection: socket.socket, header: dict[str, Any], body: bytes) -> None:
    """One message: a line of JSON that says how many bytes follow it, then these."""
    line = json.dumps({**header, "bytes": len(body)}).encode("ascii") + b"\n"
    connection.sendall(line)
    connection.sendall(body)


def job_header(job: Job) -> dict[str, Any]:
    """A job as JSON."""
    header = {"path": job.path, "suffix": job.suffix, "sections": job.sections.model_dump()}
    chapters = b64encode(job.chapters).decode("ascii")
    return {**header, "scrub": asdict(job.scrub), "chapters": chapters, "docling": job.docling}


def reading_of(header: dict[str, Any], rows: bytes) -> Reading:
    """A reading from the message that carried it."""
    named = header["readers"]
    return Reading(
        rows,
        header["sections"],
        None if named is None else frozenset(named),
        tuple(Replaced(**item) for item in header["replaced"]),
        tuple(header["notes"]),
        header["skipped"],
        header["failed"],
    )


def _header_of(reading: Reading) -> dict[str, Any]:
    header = asdict(reading)
    del header["rows"]
    return {**header, "readers": None if reading.readers is None else sorted(reading.readers)}


def _job_of(header: dict[str, Any]) -> Job:
    scrub = header["scrub"]
    return Job(
        header["path"],
        header["suffix"],
        SectionsConfig.model_validate(header["sections"]),
        Scrub(**{**scrub, "kinds": tuple(scrub["kinds"]), "regions": tuple(scrub["regions"])}),
        b64decode(header["chapters"]),
        header["docling"],
    )


def serve(connection: socket.socket, limit_s: float) -> None:
    """Answer jobs until the other side hangs up; the system ends this process if one takes longer than ``limit_s``.

    The other side has a clock of its own; this one is for a process whose other side was killed.
    """
    with connection, connection.makefile("rb") as messages:
        while line := messages.readline():
            header = json.loads(line)
            raw = messages.read(header["bytes"])
            signal.setitimer(signal.ITIMER_REAL, limit_s)
            reading = read_document(_job_of(header), raw)
            signal.setitimer(signal.ITIMER_REAL, 0)
            send(connection, _header_of(reading), reading.rows)


def main() -> None:
    """``python -m allotment.documents._worker DESCRIPTOR MEMORY_BYTES SECONDS``."""
    descriptor, memory, limit_s = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    silent = os.open(os.devnull, os.O_RDWR)
    os.dup2(silent, 0)
    os.dup2(silent, 1)
    serve(socket.socket(fileno=descriptor), limit_s)


if __name__ == "__main__":
    main()
