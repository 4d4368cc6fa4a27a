"""Columns under the wrong table, misspelt, ambiguous, or of a table that was not joined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pglast import ast

from allotment.agents.sql._queries import Query, Source, names_of, own_nodes, reference, rewrite, rewrite_query
from allotment.agents.sql.mending._joins import join_table
from allotment.agents.sql.mending._near import nearest
from allotment.databases import Key, SchemaCard, TableCard

_SURE = 88.0
"""Likeness of spelling at which a column of the table itself is taken before the same name elsewhere."""


def mend_columns(query: Query, card: SchemaCard, keys: Sequence[Key]) -> None:
    """Turn references that name nothing into the one they mean; those that could mean several things stay."""
    _expand_aliases(query)
    _Columns(query, card, keys).mend()


class _Columns:
    def __init__(self, query: Query, card: SchemaCard, keys: Sequence[Key]) -> None:
        self._query = query
        self._card = card
        self._keys = keys

    def mend(self) -> None:
        kept = self._would_say_nothing()
        rewrite_query(
            self._query,
            lambda node: self._mended(node) if type(node) is ast.ColumnRef and id(node) not in kept else node,
        )
        # A table that was joined for one column may have made a bare name before it ambiguous.
        rewrite_query(self._query, lambda node: self._told_apart(node) if type(node) is ast.ColumnRef else node)

    def _told_apart(self, node: Any) -> Any:
        path = names_of(node)
        holders = self._query.holders(path[0]) if len(path) == 1 else []
        return reference(holders[0].name, path[0]) if len(holders) > 1 and path[0] not in self._merged() else node

    def _would_say_nothing(self) -> set[int]:
        """Columns of equalities whose sides would be mended to the same one, which would join every row with every."""
        kept: set[int] = set()
        for clause in ("fromClause", "whereClause"):
            for node in own_nodes(getattr(self._query.statement, clause) or ()):
                sides = (node.lexpr, node.rexpr) if type(node) is ast.A_Expr else ()
                if len(sides) == 2 and all(type(side) is ast.ColumnRef for side in sides):
                    one, other = (names_of(self._known(side)) for side in sides)
                    if one == other:
                        kept.update(map(id, sides))
        return kept

    def _known(self, node: Any) -> Any:
        """What a reference would be mended to among the sources there are, none joined for it."""
        path = names_of(node)
        source = self._query.source(path[-2]) if len(path) > 1 else None
        if source is None or not source.columns or path[-1] in source.columns:
            return node
        near = nearest(path[-1], source.columns, least=_SURE)
        holders = [one for one in self._query.holders(path[-1]) if one is not source]
        return reference(source.name, near) if near else (reference(holders[0].name, path[-1]) if holders else node)

    def _mended(self, node: Any) -> Any:
        path = names_of(node)
        if not path:
            return node
        column = path[-1]
        if len(path) == 1:
            return self._bare(node, column)
        source = self._query.source(path[-2]) or self._renamed(path[-2])
        if source is None:
            return self._from_unjoined(path[-2], column) or self._elsewhere(column) or node
        if column in source.columns:
            return reference(source.name, column)
        if not source.columns:
            return node  # a subquery that does not tell its columns
        return self._misplaced(source, column) or node

    def _bare(self, node: Any, column: str) -> Any:
        holders = self._query.holders(column)
        if len(holders) > 1 and column not in self._merged():
            return reference(holders[0].name, column)
        if holders or column in self._query.outputs:
            return node
        return self._elsewhere(column) or node

    def _merged(self) -> set[str]:
        joins = (node for node in own_nodes(self._query.statement.fromClause or ()) if type(node) is ast.JoinExpr)
        return {str(column.sval) for join in joins for column in join.usingClause or ()}

    def _renamed(self, said: str) -> Source | None:
        """``restaurant.name`` where FROM calls the table ``r``; a schema's name before it was already taken off."""
        named = [source for source in self._query.sources.values() if source.table and source.table.table.name == said]
        return named[0] if len(named) == 1 else None

    def _misplaced(self, source: Source, column: str) -> Any:
        near = nearest(column, source.columns, least=_SURE)
        if near:
            return reference(source.name, near)
        return self._elsewhere(column, beside=source) or self._near_in(source, column)

    def _near_in(self, source: Source, column: str) -> Any:
        near = nearest(column, source.columns)
        return reference(source.name, near) if near else None

    def _elsewhere(self, column: str, beside: Source | None = None) -> Any:
        """The same name in another source, then in one table a key leads to, then a name that is near."""
        holders = [source for source in self._query.holders(column) if source is not beside]
        if holders:
            return reference(holders[0].name, column)
        joined = self._joined(column, beside)
        if joined:
            return joined
        every = {(s.name, name): s for s in self._query.sources.values() for name in s.columns if s is not beside}
        near = nearest(column, {name for _, name in every})
        found = [place for place in every if place[1] == near]
        return reference(*found[0]) if near and len(found) == 1 else None

    def _joined(self, column: str, beside: Source | None) -> Any:
        """Join the one table that has the column and that a key leads to."""
        every = list(self._query.sources.values())
        for sources in ([beside], every) if beside else (every,):
            near = {source.table.table for source in sources if source.table}
            reached = {key.far_table for key in self._keys if key.table in near}
            reached |= {key.table for key in self._keys if key.far_table in near}
            holding = [table for table in self._card.tables if table.table in reached and _has(table, column)]
            if len(holding) == 1:
                alias = join_table(self._query, holding[0], self._card, self._keys)
                return reference(alias, column) if alias else None
        return None

    def _from_unjoined(self, said: str, column: str) -> Any:
        """A column of a table of the account that FROM does not name."""
        table = next((table for table in self._card.tables if table.table.name == said and _has(table, column)), None)
        alias = join_table(self._query, table, self._card, self._keys) if table else None
        return reference(alias, column) if alias else None


def _has(table: TableCard, column: str) -> bool:
    return any(one.name == column for one in table.columns)


def _expand_aliases(query: Query) -> None:
    """WHERE and HAVING cannot name an output column; its expression can stand there."""

    def expand(node: Any) -> Any:
        path = names_of(node) if type(node) is ast.ColumnRef else []
        if len(path) == 1 and path[0] in query.outputs and not query.holders(path[0]):
            return rewrite(query.outputs[path[0]], lambda inner: inner)
        return node

    rewrite_query(query, expand, ("whereClause", "havingClause"))
