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
    account: str | None = None
    """The account it concerns; none: every account of its database."""

    def __str__(self) -> str:
        mend = f"; {self.mending_sql}" if self.mending_sql else ""
        return f"{self.element}: expected {self.expected}, found {self.found}{mend}"
