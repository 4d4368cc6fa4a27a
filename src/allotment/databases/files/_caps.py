"""The caps of one answer: rows and bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from allotment.databases._result import Value, to_json


def capped(rows: Iterable[Iterable[Any]], max_rows: int, max_bytes: int) -> tuple[tuple[tuple[Value, ...], ...], bool]:
    """The first rows as JSON has them, and whether there were more than the caps let through."""
    kept: list[tuple[Value, ...]] = []
    size = 0
    for row in rows:
        values = tuple(to_json(value) for value in row)
        size += sum(len(value.encode("utf-8")) if isinstance(value, str) else 8 for value in values)
        if len(kept) == max_rows or size > max_bytes:
            return tuple(kept), True
        kept.append(values)
    return tuple(kept), False
