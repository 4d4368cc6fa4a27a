"""What happened at a place where the chain is broken, as far as the records around it tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from psycopg import Connection

from allotment.audit._anchor import Anchor
from allotment.audit._chain import COLUMNS, Row, is_genuine, loaded

Kind = Literal["edited", "deleted", "inserted", "reordered", "truncated", "anchor", "checkpoint"]
_WINDOW = 200
"""How far around a place a record's true place is looked for."""


@dataclass(frozen=True)
class Problem:
    """The first place that is not as it was written. Where it is, is certain; what was done there, as far as can be
    told: a record moved further than 200 places looks like one deleted and one inserted."""

    kind: Kind
    sequence: int
    """Number of the record it is about."""
    detail: str


def diagnose(
    connection: Connection[tuple[Any, ...]], key: str, row: Row, expected: int, anchor: Anchor | None
) -> Problem:
    """What is wrong with ``row``, which was found where the record ``expected`` should follow."""
    if row.sequence < expected:
        return Problem("inserted", row.sequence, "a record that was never written, or written once and stored twice")
    place = _true_place(key, row)
    if place == row.sequence == expected:
        return Problem("inserted", expected, "the record belongs to another history of this project")
    moved = expected in {_true_place(key, item) for item in _around(connection, row.sequence)}
    if row.sequence > expected:
        if moved:
            return Problem("reordered", expected, f"the record {expected} does not stand in its place")
        if place is None and anchor is not None and expected > anchor.sequence:
            return Problem("inserted", row.sequence, "a record that was never written, behind all that were")
        return Problem("deleted", expected, f"the record before {row.sequence} is missing")
    if place is not None:
        if moved:
            return Problem("reordered", expected, f"the record {place} stands at {expected}")
        return Problem("deleted", expected, f"the record is missing; the record {place} stands in its place")
    if moved or (anchor is not None and expected > anchor.sequence):
        return Problem("inserted", expected, "a record that was never written")
    return Problem("edited", expected, "the record is not what was written")


def _around(connection: Connection[tuple[Any, ...]], sequence: int) -> list[Row]:
    found = connection.execute(
        f"SELECT {COLUMNS} FROM audit.record WHERE sequence BETWEEN %s AND %s"  # noqa: S608 - constant
        f" ORDER BY sequence LIMIT {3 * _WINDOW}",
        [sequence - _WINDOW, sequence + _WINDOW],
    )
    return [loaded(columns) for columns in found]


def _true_place(key: str, row: Row) -> int | None:
    """The number a record was written under, if it is a genuine one; looked for near where it stands."""
    for distance in range(_WINDOW):
        for place in (row.sequence + distance, row.sequence - distance):
            if is_genuine(key, row, place):
                return place
    return None
