"""One place where a live database is not what the project declares."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One place where the database is not what the project declares."""

    element: str
    expected: str
    found: str
    mending_sql: str
    """Statement that mends it; `allotment database provision` runs it and all others."""
    refuses: bool = True
    """Whether queries are refused until it is mended; a copy older than its source is only told."""
