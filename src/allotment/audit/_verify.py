"""Walks the whole chain and names the first place that is not as it was written, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import Connection

from allotment.audit._anchor import Anchor, read_anchor
from allotment.audit._chain import GENESIS, Row, is_genuine
from allotment.errors import DatabaseUnavailable, IntegrityError

COLUMNS = "sequence, at, event, previous_mac, mac"
Kind = Literal["edited", "deleted", "inserted", "reordered", "truncated", "anchor"]
_WINDOW = 200
"""How far around a place a record's true place is looked for."""


@dataclass(frozen=True)
class Problem:
    """The first place that is not as it was written."""

    kind: Kind
    sequence: int
    """Number of the record it is about."""
    detail: str


@dataclass(frozen=True)
class VerifyReport:
    """What the walk found."""

    ok: bool
    records: int
    """Records found good before the first problem."""
    problem: Problem | None


def verify_chain(connection: Connection[tuple[Any, ...]], key: str, anchor_file: Path) -> VerifyReport:
    """Walk the chain from the first record to the last, then hold it against the anchor."""
    try:
        # Read before the walk: what is appended meanwhile can only be more.
        anchor = read_anchor(anchor_file, key)
    except IntegrityError as error:
        return VerifyReport(False, 0, Problem("anchor", 0, error.message))
    try:
        return _walk(connection, key, anchor)
    except psycopg.Error as error:
        raise DatabaseUnavailable(
            "the audit record cannot be read.",
            element="audit record",
            remedy="See that the database runs, then run `allotment database provision`.",
        ) from error


def _walk(connection: Connection[tuple[Any, ...]], key: str, anchor: Anchor | None) -> VerifyReport:
    last, good, anchored = GENESIS, 0, anchor is not None and anchor.sequence == 0
    for row in _rows(connection, 1, None):
        problem = _problem(connection, key, row, good + 1, last, anchor)
        if problem is not None:
            return VerifyReport(False, good, problem)
        last, good = row.mac, row.sequence
        anchored = anchored or (anchor is not None and (row.sequence, row.mac) == (anchor.sequence, anchor.mac))
    if good == 0 and anchor is None:
        return VerifyReport(True, 0, None)
    if anchor is None:
        return VerifyReport(False, good, Problem("anchor", good, "the anchor file is missing"))
    if not anchored:
        detail = f"the anchor knows {anchor.sequence} records, the last one found is {good}"
        return VerifyReport(False, good, Problem("truncated", good + 1, detail))
    return VerifyReport(True, good, None)


def _rows(connection: Connection[tuple[Any, ...]], first: int, last: int | None) -> Iterator[Row]:
    """Records in order, in constant memory."""
    with connection.cursor(name="audit_walk" if last is None else "") as cursor:
        cursor.execute(
            f"SELECT {COLUMNS} FROM audit.record"  # noqa: S608 - constant
            " WHERE sequence BETWEEN %s AND coalesce(%s, 9223372036854775807) ORDER BY sequence",
            [first, last],
        )
        for row in cursor:
            yield Row(*row)


def _problem(
    connection: Connection[tuple[Any, ...]],
    key: str,
    row: Row,
    expected: int,
    previous_mac: str,
    anchor: Anchor | None,
) -> Problem | None:
    if row.sequence == expected and row.previous_mac == previous_mac and is_genuine(key, row):
        return None
    if is_genuine(key, row):
        return Problem("deleted", expected, f"the record before {row.sequence} is missing")
    neighbours = [Row(*item) for item in _around(connection, row.sequence)]
    true_places = {_true_place(key, item) for item in neighbours}
    place = _true_place(key, row)
    if place is not None:
        if expected in true_places:
            return Problem("reordered", expected, f"the record {place} stands at {row.sequence}")
        return Problem("deleted", expected, f"the record is missing; the record {place} stands in its place")
    if expected in true_places or (anchor is not None and row.sequence > anchor.sequence):
        return Problem("inserted", row.sequence, "a record that was never written")
    return Problem("edited", row.sequence, "the record is not what was written")


def _around(connection: Connection[tuple[Any, ...]], sequence: int) -> list[tuple[Any, ...]]:
    return connection.execute(
        f"SELECT {COLUMNS} FROM audit.record WHERE sequence BETWEEN %s AND %s ORDER BY sequence",  # noqa: S608
        [sequence - _WINDOW, sequence + _WINDOW],
    ).fetchall()


def _true_place(key: str, row: Row) -> int | None:
    """The number a record was written under, if it is a genuine one; looked for near where it stands."""
    for distance in range(_WINDOW):
        for place in (row.sequence + distance, row.sequence - distance):
            if is_genuine(key, row, place):
                return place
    return None
