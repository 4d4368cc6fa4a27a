"""The anchor: a small file outside the database that knows the last record, so that a cut tail shows.

It may lag behind the table, because it is written after the record is committed; it is never ahead of it, and
never moves back. The file keeps its length and lies within one sector of the disk, so it is written over in place:
a process that is killed, and power that fails, leave the old anchor or the new one.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from allotment.audit._chain import GENESIS, seal
from allotment.errors import IntegrityError
from allotment.workspace import storage_error, write_atomic

_LENGTH = 256
"""Bytes of the file: the anchor, then spaces."""
LOCK_S = 5.0
"""Seconds the other processes of this machine may hold the anchor's file."""
_POLL_S = 0.001
"""The lock is held for a millisecond or two; the usual 50 between two tries would be what an append waits for."""


@dataclass(frozen=True)
class Anchor:
    """The last record known to be written."""

    sequence: int
    mac: str


def read_anchor(path: Path, key: str) -> Anchor | None:
    """The anchor, or none if there is no file.

    Raises:
        IntegrityError: the file is not what was written.
    """
    try:
        try:
            return _parsed(path.read_bytes(), key)
        except ValueError:
            with _alone(path):  # it may have been read while another process was writing it
                return _parsed(path.read_bytes(), key)
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        raise _broken(path) from error


def advance_anchor(path: Path, key: str, anchor: Anchor) -> None:
    """Move the anchor forward to ``anchor``; one that is further already stays. Durable after ``flush_anchor``.

    Raises:
        IntegrityError: there is none, or it is not what was written.
        StorageError: it cannot be written.
    """
    with _alone(path), _opened(path) as file:
        try:
            known = _parsed(os.pread(file, 2 * _LENGTH, 0), key)
        except ValueError as error:
            raise _broken(path) from error
        if known.sequence < anchor.sequence:
            try:
                os.pwrite(file, _written(anchor, key), 0)
            except OSError as error:
                raise storage_error(path, error) from error


def flush_anchor(path: Path) -> None:
    """Bring to the disk what was written; until then a failing power leaves an older anchor. Errors as above."""
    with _opened(path) as file:
        try:
            os.fdatasync(file)
        except OSError as error:
            raise storage_error(path, error) from error


def begin_anchor(path: Path, key: str) -> Anchor:
    """The anchor of an empty record: written before the first record, so that a missing file is a finding."""
    first = Anchor(0, GENESIS)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path):
        if not path.exists():
            write_atomic(path, _written(first, key), private=True)
    return first


def _alone(path: Path) -> FileLock:
    """Held while the file is written, by one of this machine's processes."""
    return FileLock(path.with_name(path.name + ".lock"), timeout=LOCK_S, poll_interval=_POLL_S)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise _broken(path) from error
    except OSError as error:
        raise storage_error(path, error) from error
    try:
        yield file
    finally:
        os.close(file)


def _written(anchor: Anchor, key: str) -> bytes:
    record = {"sequence": anchor.sequence, "mac": anchor.mac, "seal": _seal(anchor, key)}
    return json.dumps(record).ljust(_LENGTH).encode("ascii")


def _parsed(data: bytes, key: str) -> Anchor:
    """Raises ``ValueError`` where it is not what was written."""
    try:
        record = json.loads(data)
        anchor = Anchor(int(record["sequence"]), str(record["mac"]))
        genuine = hmac.compare_digest(str(record["seal"]).encode(), _seal(anchor, key).encode())
    except (KeyError, TypeError) as error:
        raise ValueError("no anchor") from error
    if not genuine:
        raise ValueError("a wrong seal")
    return anchor


def _seal(anchor: Anchor, key: str) -> str:
    return seal(key, "anchor", [anchor.sequence, anchor.mac])


def _broken(path: Path) -> IntegrityError:
    return IntegrityError(
        "is not the anchor that was written.",
        element=str(path),
        remedy="Run `allotment audit verify`; restore the file from a backup.",
    )
