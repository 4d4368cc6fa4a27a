"""Random ways to alter a record, as its database's owner could, and where the first alteration is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
from hypothesis import strategies as st

Row = tuple[Any, ...]
Table = dict[int, Row]
"""Number → time, event, MAC before, MAC."""

COLUMNS = "sequence, at, event, previous_mac, mac"


def read(admin_dsn: str) -> Table:
    """The table as it is."""
    with psycopg.connect(admin_dsn) as admin:
        return {row[0]: row[1:] for row in admin.execute(f"SELECT {COLUMNS} FROM audit.record ORDER BY sequence")}


def put(admin_dsn: str, table: Table) -> None:
    """Make the table what is given."""
    with psycopg.connect(admin_dsn) as admin, admin.cursor() as cursor:
        cursor.execute("DELETE FROM audit.record")
        cursor.executemany(
            f"INSERT INTO audit.record ({COLUMNS}) VALUES (%s, %s, %s, %s, %s)",
            [(sequence, *row) for sequence, row in table.items()],
        )


def first_difference(written: Table, found: Table) -> int | None:
    """The first number under which there is not what was written."""
    places = sorted(written.keys() | found.keys())
    return next((place for place in places if written.get(place) != found.get(place)), None)


def altered(table: Table, steps: list[tuple[str, int, int]]) -> Table:
    """``table`` after several alterations in turn; each names what, where, and where to or how much."""
    found = dict(table)
    for what, where, other in steps:
        _STEPS[what](found, where, other)
    macs = [row[3] for row in found.values()]
    return found if len(set(macs)) == len(macs) else table  # the table keeps its MACs unique


def _edit_event(found: Table, where: int, other: int) -> None:
    if where in found:
        at, _, previous, mac = found[where]
        found[where] = (at, f'{{"number":{other + 100}}}', previous, mac)


def _edit_time(found: Table, where: int, other: int) -> None:
    if where in found:
        at, *rest = found[where]
        found[where] = (at + timedelta(microseconds=other), *rest)


def _edit_mac(found: Table, where: int, other: int) -> None:
    if where in found:
        found[where] = (*found[where][:3], f"{other:064x}")


def _edit_previous(found: Table, where: int, other: int) -> None:
    if where in found:
        at, event, _, mac = found[where]
        found[where] = (at, event, found[other][3] if other in found else "é", mac)


def _delete(found: Table, where: int, other: int) -> None:
    found.pop(where, None)


def _close_gap(found: Table, where: int, other: int) -> None:
    found.pop(where, None)
    for sequence in sorted(found):
        if sequence > where:
            found[sequence - 1] = found.pop(sequence)


def _cut(found: Table, where: int, other: int) -> None:
    for sequence in [item for item in found if item >= where]:
        del found[sequence]


def _insert(found: Table, where: int, other: int) -> None:
    for sequence in sorted(found, reverse=True):
        if sequence >= where:
            found[sequence + 1] = found.pop(sequence)
    before = found.get(where - 1)
    at = next(iter(found.values()))[0] if found else None
    if at is not None:
        found[where] = (at, "{}", before[3] if before else "0" * 64, f"{other + 5000:064x}")


def _swap(found: Table, where: int, other: int) -> None:
    if where in found and other in found:
        found[where], found[other] = found[other], found[where]


def _move(found: Table, where: int, other: int) -> None:
    if where in found and other not in found:
        found[other] = found.pop(where)


_STEPS = {
    "edit event": _edit_event,
    "edit time": _edit_time,
    "edit mac": _edit_mac,
    "edit previous": _edit_previous,
    "delete": _delete,
    "close gap": _close_gap,
    "cut": _cut,
    "insert": _insert,
    "swap": _swap,
    "move": _move,
}


def steps(last: int) -> st.SearchStrategy[list[tuple[str, int, int]]]:
    """One to four alterations of a record of ``last`` entries."""
    number = st.integers(1, last + 2)
    return st.lists(st.tuples(st.sampled_from(sorted(_STEPS)), number, number), min_size=1, max_size=4)
