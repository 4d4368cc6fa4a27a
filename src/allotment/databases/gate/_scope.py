"""Names in a statement: which tables an account has, and which columns are visible at a place of the statement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from allotment.databases._declared import Table, table_of
from allotment.databases.gate._lists import SYSTEM_COLUMNS
from allotment.errors import SqlRefused
from allotment.project import AccountConfig

Columns = tuple[str, ...]


@dataclass(frozen=True)
class Catalog:
    """The tables and columns of one account: all there is, as far as the gate knows."""

    tables: Mapping[Table, Columns]

    @classmethod
    def of(cls, account: AccountConfig) -> Catalog:
        """What the project declares of an account."""
        return cls({table_of(name): grant.columns for name, grant in account.tables.items()})

    def offer(self) -> str:
        """The tables and columns in words, for whoever wrote the statement."""
        listed = "; ".join(f"{_plain(table)}({', '.join(columns)})" for table, columns in sorted(self.tables.items()))
        return f"You may use only these tables and columns: {listed}."

    def find(self, schema: str | None, name: str) -> tuple[Table, Columns]:
        """A table by its name in a statement.

        Raises:
            SqlRefused: the account has no such table.
        """
        table = Table(schema or "public", name)
        columns = self.tables.get(table)
        if columns is None:
            raise SqlRefused(f"there is no table {_plain(table)} for this account.", remedy=self.offer())
        return table, columns


def _plain(table: Table) -> str:
    return table.name if table.schema == "public" else str(table)


@dataclass
class Scope:
    """What the names of one SELECT mean: its FROM items, its WITH queries, and the SELECT around it."""

    parent: Scope | None = None
    with_queries: dict[str, Columns] = field(default_factory=dict)
    sources: dict[str, Columns] = field(default_factory=dict)
    """FROM item → columns, in order."""
    merged: list[str] = field(default_factory=list)
    """Columns joined with USING, which may be named without their table."""
    outputs: Columns = ()
    """Names ORDER BY and GROUP BY may use besides columns."""

    def with_query(self, name: str) -> Columns | None:
        """Columns of the WITH query of that name, here or further out."""
        if name in self.with_queries:
            return self.with_queries[name]
        return self.parent.with_query(name) if self.parent else None

    def add(self, name: str, columns: Columns) -> None:
        """Add a FROM item.

        Raises:
            SqlRefused: the name is there twice.
        """
        if name in self.sources:
            raise SqlRefused(f"the name {name!r} is in FROM twice.", remedy="Give one of them an alias.")
        self.sources[name] = columns

    def check_column(self, source: str | None, column: str, catalog: Catalog) -> None:
        """Refuse a column that is not visible here.

        Raises:
            SqlRefused: it names nothing, something twice, or a system column.
        """
        if column in SYSTEM_COLUMNS:
            raise SqlRefused(f"the system column {column!r} may not be read.", remedy=catalog.offer())
        if not (self._has_source(source, column) if source else self._has(column)):
            shown = f"{source}.{column}" if source else column
            raise SqlRefused(f"there is no column {shown!r} here for this account.", remedy=catalog.offer())

    def _has_source(self, source: str, column: str) -> bool:
        if source in self.sources:
            return column in self.sources[source]
        return self.parent._has_source(source, column) if self.parent else False

    def _has(self, column: str) -> bool:
        if any(column in columns for columns in self.sources.values()):
            return True
        return self.parent._has(column) if self.parent else False
