"""The chain: every record's MAC covers the record and the MAC before it, with a key the database does not hold.

Keyed (HMAC-SHA256, RFC 2104), because whoever can rewrite the table can rewrite plain hashes as well.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""What stands for the MAC before the first record."""


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
    return hmac.compare_digest(row.mac, row_mac(key, place, row.at, row.event, row.previous_mac))


def seal(key: str, purpose: str, parts: list[Any]) -> str:
    """HMAC-SHA256 over a purpose and parts, in hex; the purpose keeps one kind of seal from passing as another."""
    text = json.dumps([purpose, *parts], separators=(",", ":"), ensure_ascii=True)
    return hmac.new(key.encode("utf-8"), text.encode("ascii"), hashlib.sha256).hexdigest()
