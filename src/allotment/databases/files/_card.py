"""Parts of the schema card that are alike for SQLite and DuckDB."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from allotment.databases._card import Key
from allotment.databases._declared import table_of
from allotment.databases.files._manifest import Manifest
from allotment.databases.files._quote import name
from allotment.databases.postgres._describe import LONGEST_VALUE, MOST_VALUES


def values_query(column: str, table: str) -> str:
    """Asks for one more of a text column's values than a card shows; ``table`` is quoted."""
    quoted = name(column)
    return f"SELECT DISTINCT {quoted} FROM {table} WHERE {quoted} IS NOT NULL ORDER BY 1 LIMIT {MOST_VALUES + 1}"  # noqa: S608


def shown_values(rows: Iterable[Any]) -> tuple[str, ...]:
    """The values, where they are few and short; else none."""
    values = tuple(str(row[0]) for row in rows)
    short = len(values) <= MOST_VALUES and all(len(value) <= LONGEST_VALUE for value in values)
    return values if short else ()


def keys_of(manifest: Manifest) -> tuple[Key, ...]:
    """Keys between the copy's tables."""
    return tuple(Key(table_of(k.table), k.column, table_of(k.far_table), k.far_column) for k in manifest.keys)
