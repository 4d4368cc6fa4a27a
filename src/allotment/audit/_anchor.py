"""The anchor: a small file outside the database that knows the last record, so that a cut tail shows.

It may lag behind the table, because it is written after the record is committed; it is never ahead of it, and
never moves back.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from allotment.audit._chain import GENESIS, seal
from allotment.errors import IntegrityError
from allotment.workspace import write_atomic

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
        record = json.loads(path.read_text(encoding="ascii"))
        anchor = Anchor(int(record["sequence"]), str(record["mac"]))
        genuine = hmac.compare_digest(str(record["seal"]), _seal(anchor, key))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, OSError) as error:
        raise _broken(path) from error
    if not genuine:
        raise _broken(path)
    return anchor


def advance_anchor(path: Path, key: str, anchor: Anchor) -> None:
    """Move the anchor forward to ``anchor``; one that is further already stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(path.name + ".lock"), timeout=LOCK_S, poll_interval=_POLL_S):
        known = read_anchor(path, key)
        if known is None or known.sequence < anchor.sequence:
            record = {"sequence": anchor.sequence, "mac": anchor.mac, "seal": _seal(anchor, key)}
            write_atomic(path, json.dumps(record), private=True)


def begin_anchor(path: Path, key: str) -> Anchor:
    """The anchor of an empty record: written before the first record, so that a missing file is a finding."""
    first = Anchor(0, GENESIS)
    advance_anchor(path, key, first)
    return first


def _seal(anchor: Anchor, key: str) -> str:
    return seal(key, "anchor", [anchor.sequence, anchor.mac])


def _broken(path: Path) -> IntegrityError:
    return IntegrityError(
        "is not the anchor that was written.",
        element=str(path),
        remedy="Run `allotment audit verify`; restore the file from a backup.",
    )
