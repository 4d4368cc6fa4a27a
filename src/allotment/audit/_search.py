"""Finding records in a record of millions: first their numbers, in an index alone, then the records themselves.

Each part of a search has an index that holds the other parts as well, so that the table is not touched for a record
that is not wanted. A page is the newest records of an index read backwards. That is slow for one case, a short time
long ago: so a time with few records in it is read as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from psycopg import Connection

from allotment.audit._chain import COLUMNS, Row, loaded
from allotment.audit._filter import Filter

AT_ONCE = 200
"""Records looked at together."""
FEW = 50_000
"""A time with fewer records is read as a whole."""

_BACKWARDS = "SELECT sequence FROM audit.record WHERE {} ORDER BY sequence DESC LIMIT %s"
_WHOLE = (
    "WITH found AS MATERIALIZED (SELECT sequence FROM audit.record WHERE {})"
    " SELECT sequence FROM found ORDER BY sequence DESC LIMIT %s"
)


def rows_of(connection: Connection[tuple[Any, ...]], wanted: Filter, before: int | None) -> Iterator[Row]:
    """Rows that meet what the database can tell of a filter, newest first.

    Args:
        connection: sees the record as it is at one moment.
        wanted: the filter, as events have it.
        before: only those with a smaller number.
    """
    condition, parameters = wanted.condition()
    statement = _WHOLE if _is_short(connection, wanted) else _BACKWARDS
    last = before
    while True:
        bound, values = ("true", []) if last is None else ("sequence < %s", [last])
        query = statement.format(f"{condition} AND {bound}")
        numbers = connection.execute(query.encode(), [*parameters, *values, AT_ONCE]).fetchall()
        found = [number for (number,) in numbers]
        for columns in connection.execute(
            f"SELECT {COLUMNS} FROM audit.record WHERE sequence = ANY(%s) ORDER BY sequence DESC".encode(),  # noqa: S608
            [found],
        ):
            yield loaded(columns)
        if len(found) < AT_ONCE:
            return
        last = found[-1]


def _is_short(connection: Connection[tuple[Any, ...]], wanted: Filter) -> bool:
    """Whether the time that is wanted has few records in it."""
    if wanted.since is None and wanted.until is None:
        return False
    condition, parameters = Filter(since=wanted.since, until=wanted.until).condition()
    row = connection.execute(
        f"SELECT count(*) FROM (SELECT FROM audit.record WHERE {condition} LIMIT %s) few".encode(),  # noqa: S608
        [*parameters, FEW],
    ).fetchone()
    return row is not None and row[0] < FEW
