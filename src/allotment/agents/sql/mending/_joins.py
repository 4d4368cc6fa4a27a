"""Tables that are needed and not joined, and joins over a column that one side does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pglast import ast
from pglast.enums import JoinType

from allotment.agents.sql._keys import path
from allotment.agents.sql._queries import Query, Source, last_name, names_of, own_nodes, reference
from allotment.agents.sql.mending._nodes import binary
from allotment.databases import Key, SchemaCard, TableCard

_LONGEST = 3
"""Keys on a path at most: what lies further off was probably not meant."""


def join_table(query: Query, table: TableCard, card: SchemaCard, keys: Sequence[Key]) -> str | None:
    """Join a table along the shortest path of keys from what is in FROM; its name there, or none without a path."""
    near = {source.table.table: source for source in query.sources.values() if source.table}
    if table.table in near:
        return near[table.table].name
    steps = _turned(path(table.table, near, keys))
    if not steps or len(steps) > _LONGEST:
        return None
    name = near[steps[0].table].name
    for key in steps:
        added = _source(query, key, card)
        _wrap(query, name, added, binary("=", reference(name, key.column), reference(added.name, key.far_column)))
        name = added.name
    return name


def mend_joins(query: Query, card: SchemaCard, keys: Sequence[Key]) -> None:
    """Join anew, along keys, what is joined on a column that one of its tables does not have."""
    joins = [node for node in own_nodes(query.statement.fromClause or ()) if type(node) is ast.JoinExpr]
    for join in reversed(joins):  # the innermost, which is written first, comes last in the walk
        if type(join.rarg) is not ast.RangeVar or not _is_broken(join.quals, query):
            continue
        right = query.sources.get(_name_of(join.rarg))
        left = [source for name in _names(join.larg) if (source := query.sources.get(name)) and source.table]
        if right is None or right.table is None:
            continue
        steps = _turned(path(right.table.table, [source.table.table for source in left if source.table], keys))
        if steps and len(steps) <= _LONGEST:
            _rejoin(query, join, left, right, steps, card)


def _rejoin(
    query: Query, join: Any, left: Sequence[Source], right: Source, steps: Sequence[Key], card: SchemaCard
) -> None:
    name = next(source.name for source in left if source.table and source.table.table == steps[0].table)
    for key in steps[:-1]:
        added = _source(query, key, card)
        condition = binary("=", reference(name, key.column), reference(added.name, key.far_column))
        join.larg = _inner(join.larg, added, condition)
        name = added.name
    join.quals = binary("=", reference(name, steps[-1].column), reference(right.name, steps[-1].far_column))


def _turned(steps: Sequence[Key]) -> list[Key]:
    return [Key(key.far_table, key.far_column, key.table, key.column) for key in reversed(steps)]


def _is_broken(quals: Any, query: Query) -> bool:
    """Whether a join's condition is one equality with a column that its table does not have."""
    if type(quals) is not ast.A_Expr or last_name(quals.name) != "=":
        return False
    sides = [names_of(side) for side in (quals.lexpr, quals.rexpr) if type(side) is ast.ColumnRef]
    if len(sides) != 2 or any(len(side) < 2 for side in sides):
        return False
    sources = [(query.source(side[-2]), side[-1]) for side in sides]
    return any(source is not None and source.columns and column not in source.columns for source, column in sources)


def _source(query: Query, key: Key, card: SchemaCard) -> Source:
    """The far table of a key as a new item of FROM, under a name nobody has."""
    table = next(table for table in card.tables if table.table == key.far_table)
    name, number = table.table.name, 2
    while query.source(name):
        name, number = f"{table.table.name}_{number}", number + 1
    source = Source(name, table, {column.name: column.type for column in table.columns})
    query.sources[name] = source
    return source


def _wrap(query: Query, name: str, added: Source, condition: Any) -> None:
    """Join ``added`` to the item of FROM that holds ``name``."""
    query.statement.fromClause = tuple(
        _inner(item, added, condition) if name in set(_names(item)) else item for item in query.statement.fromClause
    )


def _inner(left: Any, added: Source, condition: Any) -> Any:
    table = added.table.table if added.table else None
    schema = table.schema if table and table.schema != "public" else None
    plain = table.name if table else added.name
    alias = ast.Alias(aliasname=added.name) if added.name != plain else None
    right = ast.RangeVar(schemaname=schema, relname=plain, inh=True, relpersistence="p", alias=alias)
    return ast.JoinExpr(jointype=JoinType.JOIN_INNER, larg=left, rarg=right, quals=condition)


def _names(item: Any) -> Iterator[str]:
    if type(item) is ast.JoinExpr:
        yield from _names(item.larg)
        yield from _names(item.rarg)
    elif type(item) is ast.RangeVar or item.alias:
        yield _name_of(item)


def _name_of(item: Any) -> str:
    return str(item.alias.aliasname if item.alias else item.relname)
