"""What a query gave, in values that JSON has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

Value = str | int | float | bool | None
LARGEST_EXPONENT = 300
"""An exact number larger than ten to this power is text: no float holds it, and JSON writers refuse such an int."""


@dataclass(frozen=True)
class QueryResult:
    """What a query gave: JSON-able values, and what ran where."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    truncated: bool
    """Whether there was more than ``rows`` holds."""
    sql: str
    account: str


def to_json(value: Any) -> Value:
    """A PostgreSQL value as JSON has it: dates in ISO form, exact numbers as int where they are whole."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > LARGEST_EXPONENT:
            return str(value)
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes | memoryview):
        return f"{len(value)} bytes"
    if isinstance(value, Sequence):
        return "{" + ", ".join(str(to_json(item)) for item in value) + "}"
    return str(value)
