"""Finding records in a record of millions: first their numbers, in an index alone, then the records themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from allotment.audit._chain import COLUMNS, Row, loaded
from allotment.audit._filter import Filter

AT_ONCE = 200
"""Records looked at together."""


def rows_of(connection: Connection[tuple[Any, ...]], wanted: Filter, before: int | None) -> Iterator[Row]:
    """Rows that meet what the database can tell of a filter, newest first.

    Args:
        connection: sees the record as it is at one moment.
        wanted: the filter, as events have it.
        before: only those with a smaller number.
    """
    condition, parameters = wanted.condition()
    last = before
    while True:
        bound, values = ("true", []) if last is None else ("sequence < %s", [last])
        numbers = connection.execute(
            f"SELECT sequence FROM audit.record WHERE {condition} AND {bound}"  # noqa: S608 - names of ours only
            " ORDER BY sequence DESC LIMIT %s".encode(),
            [*parameters, *values, AT_ONCE],
        ).fetchall()
        found = [number for (number,) in numbers]
        for columns in connection.execute(
            f"SELECT {COLUMNS} FROM audit.record WHERE sequence = ANY(%s) ORDER BY sequence DESC".encode(),  # noqa: S608
            [found],
        ):
            yield loaded(columns)
        if len(found) < AT_ONCE:
            return
        last = found[-1]
