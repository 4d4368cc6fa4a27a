"""What one walk over one statement keeps in mind: the account's tables, what was read, and how much of all there is."""

from __future__ import annotations

from allotment.databases._declared import Table
from allotment.databases.gate._catalog import Catalog
from allotment.databases.gate._lists import MAX_DEPTH, MAX_GROWTH, MAX_SOURCES
from allotment.errors import SqlRefused


class Context:
    """Of one walk; the limits hold over the whole statement. ``with context:`` is one level down in it."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.tables: set[str] = set()
        self._depth = 0
        self._sources = 0

    def refusal(self, message: str, remedy: str = "") -> SqlRefused:
        """A refusal that says what the account may use, if nothing better is known."""
        return SqlRefused(message, remedy=remedy or self.catalog.offer(self.tables))

    def __enter__(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self.refusal("the statement is nested too deeply.", "Write it more simply.")

    def __exit__(self, *_: object) -> None:
        self._depth -= 1

    def read(self, table: Table) -> None:
        """A declared table is read."""
        self.tables.add(str(table))

    def count_source(self) -> None:
        """One more FROM item: each multiplies the work."""
        self._sources += 1
        if self._sources > MAX_SOURCES:
            raise self.refusal(f"there are more than {MAX_SOURCES} tables in FROM.", "Write it with fewer.")

    def checked_growth(self, growth: int) -> int:
        """Texts that double from subquery to subquery fill the server's memory."""
        if growth > MAX_GROWTH:
            raise self.refusal("the statement makes texts too long.", "Join fewer texts.")
        return growth
