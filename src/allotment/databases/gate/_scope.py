"""Names in a statement: which columns are visible at a place of it, and whose they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from allotment.databases.gate._catalog import Catalog, Columns
from allotment.databases.gate._lists import SYSTEM_COLUMNS
from allotment.errors import SqlRefused


@dataclass(frozen=True)
class Relation:
    """What a table, a subquery or a WITH query gives."""

    columns: Columns
    growth: int = 1
    """How many times longer than a stored text its texts may be."""


@dataclass(frozen=True)
class Visible:
    """A column that may be named without its table."""

    name: str
    source: str
    """The FROM item it is written with."""


@dataclass
class Scope:
    """What the names of one SELECT mean: its FROM items, its WITH queries, and the SELECT around it."""

    parent: Scope | None = None
    with_queries: dict[str, Relation] = field(default_factory=dict)
    sources: dict[str, Relation] = field(default_factory=dict)
    visible: list[Visible] = field(default_factory=list)
    """In the order in which ``*`` gives them."""
    outputs: Columns = ()
    """Names of the output columns, which WHERE, HAVING and expressions may not use."""

    def around(self) -> Scope:
        """What a part of this SELECT sees that does not see its FROM: the WITH queries and what is further out."""
        return Scope(self.parent, with_queries=dict(self.with_queries))

    def with_query(self, name: str) -> Relation | None:
        """The WITH query of that name, here or further out."""
        if name in self.with_queries:
            return self.with_queries[name]
        return self.parent.with_query(name) if self.parent else None

    def add(self, name: str, relation: Relation) -> list[Visible]:
        """Add a FROM item; returns its columns.

        Raises:
            SqlRefused: the name is there twice.
        """
        if name in self.sources:
            raise SqlRefused(f"the name {name!r} is in FROM twice.", remedy="Give one of them an alias.")
        self.sources[name] = relation
        return [Visible(column, name) for column in relation.columns]

    def resolve(self, source: str | None, column: str, catalog: Catalog) -> tuple[str, Relation]:
        """The FROM item a column is of, by its name and as a whole; the nearest one that has it.

        Raises:
            SqlRefused: it names nothing, two things, or a system column.
        """
        if column in SYSTEM_COLUMNS:
            raise SqlRefused(f"the system column {column!r} may not be read.", remedy=catalog.offer())
        found = self._qualified(source, column) if source else self._bare(column)
        if found is None:
            raise self._missing(source, column, catalog)
        return found

    def _missing(self, source: str | None, column: str, catalog: Catalog) -> SqlRefused:
        tables = [name for scope in self._outwards() for name in scope.sources]
        if source and source not in tables:
            return SqlRefused(f"there is no table {source!r} in FROM.", remedy=f"FROM has {', '.join(tables)}.")
        if source is None and column in self.outputs:
            return SqlRefused(
                f"{column!r} is the name of an output; only GROUP BY and ORDER BY may use it alone.",
                remedy="Write its expression once more, or put the SELECT in a subquery.",
            )
        names = [name for scope in self._outwards() for entry in scope.sources.values() for name in entry.columns]
        return catalog.no_column(f"{source}.{column}" if source else column, column, names, tables)

    def is_input(self, column: str) -> bool:
        """Whether a FROM item of this SELECT itself has the column."""
        return any(entry.name == column for entry in self.visible)

    def _outwards(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope:
            yield scope
            scope = scope.parent

    def _qualified(self, source: str, column: str) -> tuple[str, Relation] | None:
        for scope in self._outwards():
            if source in scope.sources:
                relation = scope.sources[source]
                return (source, relation) if column in relation.columns else None
        return None

    def _bare(self, column: str) -> tuple[str, Relation] | None:
        hidden: set[str] = set()
        for scope in self._outwards():
            owners = sorted({entry.source for entry in scope.visible if entry.name == column})
            if len(owners) > 1:
                either = " or ".join(f"{owner}.{column}" for owner in owners)
                raise SqlRefused(f"the column {column!r} is ambiguous.", remedy=f"Write {either}.")
            if owners and owners[0] in hidden:
                raise SqlRefused(f"the name {owners[0]!r} means two tables.", remedy="Give one of them another alias.")
            if owners:
                return owners[0], scope.sources[owners[0]]
            hidden |= scope.sources.keys()
        return None
