"""Retention: the old beginning of a record goes, a sealed checkpoint takes its place, and the record says so.

First it is written down what will be removed, then checkpoint and removal happen in one transaction. Killed anywhere
between, the record is whole: at worst it announces a removal that did not happen, and the next one repeats it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from allotment.audit._anchor import Anchor
from allotment.audit._chain import Row
from allotment.audit._checkpoint import Checkpoint
from allotment.audit._connect import connect, unavailable

_CHECKPOINT = (
    "INSERT INTO audit.checkpoint (sequence, mac, record, seal) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (single) DO UPDATE SET sequence = excluded.sequence, mac = excluded.mac,"
    " record = excluded.record, seal = excluded.seal WHERE checkpoint.sequence < excluded.sequence"
)


@dataclass(frozen=True)
class Pruned:
    """What was removed."""

    removed: int
    """How many records."""
    through: int | None = None
    """Number of the last one."""
    record: int | None = None
    """Number of the record that says so."""


def cutoff(admin_dsn: str, now: datetime, keep_days: int) -> datetime:
    """What is older than this may go. Of this clock and the database's the slower one counts: one that runs ahead
    removes nothing.

    Raises:
        DatabaseUnavailable: the database does not answer or the administrator's login is refused.
    """
    with connect(admin_dsn) as admin:
        found = admin.execute("SELECT now()").fetchone()
    return min(now, found[0] if found else now) - timedelta(days=keep_days)


def old_beginning(rows: Iterable[Row], before: datetime) -> tuple[Anchor, int] | None:
    """The last of the records that all lie before a moment, from the first on, and how many they are.

    ``rows`` is walked to its end, because nothing is removed from a record that is not whole.
    """
    last: Anchor | None = None
    count, old = 0, True
    for row in rows:
        old = old and row.at < before
        if old:
            last, count = Anchor(row.sequence, row.mac), count + 1
    return None if last is None else (last, count)


def remove(admin_dsn: str, key: str, last: Anchor, count: int, told: Callable[[dict[str, Any]], int]) -> Pruned:
    """Write down and then remove everything up to ``last``.

    Raises:
        DatabaseUnavailable: the database does not answer or the administrator's login is refused; nothing is removed.
    """
    record = told({"records": count, "through": last.sequence, "through_mac": last.mac})
    checkpoint = Checkpoint(last.sequence, last.mac, record)
    try:
        with connect(admin_dsn) as admin:
            admin.execute(_CHECKPOINT, [last.sequence, last.mac, record, checkpoint.seal(key)])
            admin.execute("DELETE FROM audit.record WHERE sequence <= %s", [last.sequence])
    except psycopg.Error as error:
        raise unavailable(error) from error
    return Pruned(count, last.sequence, record)
