"""Conditions and joins that the question does not ask for: small models like to fill in what their examples had.

Only where every word of the question is accounted for, see ``Wording``: then nothing is left that an added condition
could stand for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pglast import ast
from pglast.enums import BoolExprType, JoinType

from allotment.agents.sql._keys import path
from allotment.agents.sql._queries import Query, Source, all_nodes, names_of, reference
from allotment.agents.sql._wording import Wording
from allotment.agents.sql.mending._filters import compared
from allotment.agents.sql.mending._grouping import all_of
from allotment.agents.sql.mending._nodes import binary
from allotment.databases import Key


def mend_invented(query: Query, wording: Wording, keys: Sequence[Key]) -> None:
    """Leave out conditions on values nobody said, then joins of tables nobody said that nothing else uses."""
    if wording.is_accounted_for:
        _drop_conditions(query, wording)
        _drop_joins(query, wording, keys)


def _drop_conditions(query: Query, wording: Wording) -> None:
    where = query.statement.whereClause
    if where is None:
        return
    joined = type(where) is ast.BoolExpr and where.boolop == BoolExprType.AND_EXPR
    parts = list(where.args) if joined else [where]
    kept = [part for part in parts if not _is_invented(part, query, wording)]
    if len(kept) < len(parts):
        query.statement.whereClause = all_of(kept)


def _is_invented(node: Any, query: Query, wording: Wording) -> bool:
    found = list(compared(node, query))
    return bool(found) and not any(wording.says_filter(one.table, one.column.name, one.value) for one in found)


def _drop_joins(query: Query, wording: Wording, keys: Sequence[Key]) -> None:
    statement = query.statement
    if len(statement.fromClause or ()) != 1 or any(_is_star(node) for node in all_nodes(statement.targetList or ())):
        return
    for join in list(_joins(statement.fromClause[0])):
        source = query.sources.get(_alias(join.rarg)) if type(join.rarg) is ast.RangeVar else None
        if source is None or source.table is None or join.jointype not in (JoinType.JOIN_INNER, JoinType.JOIN_LEFT):
            continue
        if not wording.says_table(source.table.table):
            _drop(query, join, source, keys)


def _drop(query: Query, join: Any, source: Source, keys: Sequence[Key]) -> None:
    """Take one table out of FROM if nothing but joins uses it, and at most one other join, which a key replaces."""
    uses = [node for node in all_nodes(query.statement) if type(node) is ast.ColumnRef and _is_of(node, source, query)]
    rest = [node for node in uses if not _holds(join.quals, [node])]
    if not rest:
        _replace(query.statement, join)
        return
    later = [one for one in _joins(query.statement.fromClause[0]) if one is not join and _holds(one.quals, rest)]
    if len(later) != 1 or not all(_holds(later[0].quals, [node]) for node in rest):
        return
    other = query.sources.get(_alias(later[0].rarg)) if type(later[0].rarg) is ast.RangeVar else None
    near = {s.table.table: s for name in _names(join.larg) if (s := query.sources.get(name)) and s.table}
    steps = path(other.table.table, near, keys) if other and other.table else []
    if other and len(steps) == 1:
        key = steps[0]
        left = reference(near[key.far_table].name, key.far_column)
        later[0].quals = binary("=", left, reference(other.name, key.column))
        _replace(query.statement, join)


def _replace(statement: Any, join: Any) -> None:
    """``join`` becomes its left side."""

    def without(item: Any) -> Any:
        if item is join:
            return item.larg
        if type(item) is ast.JoinExpr:
            item.larg, item.rarg = without(item.larg), without(item.rarg)
        return item

    statement.fromClause = tuple(without(item) for item in statement.fromClause)


def _joins(item: Any) -> Iterator[Any]:
    if type(item) is ast.JoinExpr:
        yield item
        yield from _joins(item.larg)
        yield from _joins(item.rarg)


def _names(item: Any) -> Iterator[str]:
    if type(item) is ast.JoinExpr:
        yield from _names(item.larg)
        yield from _names(item.rarg)
    elif type(item) is ast.RangeVar:
        yield _alias(item)


def _alias(item: Any) -> str:
    return str(item.alias.aliasname if item.alias else item.relname)


def _is_of(node: Any, source: Source, query: Query) -> bool:
    """Whether a column is of a source; a bare one is if the source has one of that name."""
    parts = names_of(node)
    if len(parts) > 1:
        return parts[-2] == source.name
    return bool(parts) and parts[0] in source.columns and parts[0] not in query.outputs


def _is_star(node: Any) -> bool:
    return type(node) is ast.ColumnRef and not names_of(node)


def _holds(quals: Any, nodes: Sequence[Any]) -> bool:
    inside = list(all_nodes(quals)) if quals is not None else []
    return any(one is node for node in nodes for one in inside)
