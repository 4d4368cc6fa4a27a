"""The chain: every record's MAC covers the record and the MAC before it, with a key the database does not hold.

Keyed (HMAC-SHA256, RFC 2104), because whoever can rewrite the table can rewrite plain hashes as well.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""What stands for the MAC before the first record."""
COLUMNS = "sequence, at, event, previous_mac, mac"
"""A record's columns, in the order of ``Row``."""
_NO_TIME = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """One record as the table holds it."""

    sequence: int
    at: datetime
    event: str
    previous_mac: str
    mac: str


def canonical(event: Mapping[str, Any]) -> str:
    """An event as canonical JSON in ASCII: one form for one content, whatever wrote it."""
    return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def row_mac(key: str, sequence: int, at: datetime, event: str, previous_mac: str) -> str:
    """MAC of a record, in hex."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return seal(key, "record", [sequence, moment, event, previous_mac])


def is_genuine(key: str, row: Row, sequence: int | None = None) -> bool:
    """Whether a record is what was written, at its own place or at ``sequence``."""
    place = row.sequence if sequence is None else sequence
    expected = row_mac(key, place, row.at, row.event, row.previous_mac)
    return hmac.compare_digest(row.mac.encode("utf-8", "replace"), expected.encode("ascii"))


def follows(key: str, row: Row, sequence: int, mac: str) -> bool:
    """Whether a record is genuine and comes right after the one numbered ``sequence`` whose MAC is ``mac``."""
    return row.sequence == sequence + 1 and row.previous_mac == mac and is_genuine(key, row)


def loaded(columns: Sequence[Any]) -> Row:
    """A record from its columns; what no record holds becomes something no MAC fits."""
    sequence, at, event, previous_mac, mac = columns
    return Row(
        sequence if isinstance(sequence, int) else 0,
        at if isinstance(at, datetime) else _NO_TIME,
        *(text if isinstance(text, str) else "" for text in (event, previous_mac, mac)),
    )


def event_of(row: Row) -> dict[str, Any]:
    """What a genuine record says."""
    event: dict[str, Any] = json.loads(row.event)
    return event


def seal(key: str, purpose: str, parts: list[Any]) -> str:
    """HMAC-SHA256 over a purpose and parts, in hex; the purpose keeps one kind of seal from passing as another."""
    text = json.dumps([purpose, *parts], separators=(",", ":"), ensure_ascii=True)
    return hmac.new(key.encode("utf-8"), text.encode("ascii"), hashlib.sha256).hexdigest()
