"""GROUP BY without columns it must have, aggregates where none may stand, and DISTINCT that ORDER BY forbids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pglast import ast
from pglast.enums import BoolExprType
from pglast.stream import RawStream

from allotment.agents.sql._queries import AGGREGATES, Query, function_name, names_of, own_nodes, rewrite


def mend_grouping(query: Query) -> None:
    """Make grouping whole, so that PostgreSQL does not refuse it."""
    statement = query.statement
    _move_aggregates(statement)
    if not _is_grouped(statement) or any(_is_window(node) for node in own_nodes(statement.targetList or ())):
        return
    groups = [node for node in statement.groupClause or () if not _holds_aggregate(meaning(node, query))]
    present = {text_of(meaning(node, query)) for node in groups}
    for node in _ungrouped(query, present):
        groups.append(node)
        present.add(text_of(node))
    statement.groupClause = tuple(groups) or None
    if groups and statement.distinctClause:
        _drop_distinct(query, present)


def _is_grouped(statement: Any) -> bool:
    if statement.groupClause or statement.havingClause:
        return True
    parts = (statement.targetList or (), statement.sortClause or ())
    return any(_holds_aggregate(part) for part in parts)


def _ungrouped(query: Query, present: set[str]) -> Iterator[Any]:
    """Columns that stand outside aggregates in what is selected or sorted by, and are not grouped by."""
    statement = query.statement
    seen = set(present)
    for part in (*(statement.targetList or ()), *(statement.sortClause or ())):
        value = part.val if type(part) is ast.ResTarget else meaning(part.node, query)
        for column in _bare_columns(value, present):
            if text_of(column) not in seen:
                seen.add(text_of(column))
                yield column


def _bare_columns(node: Any, present: set[str]) -> Iterator[Any]:
    if isinstance(node, tuple):
        for part in node:
            yield from _bare_columns(part, present)
        return
    if not isinstance(node, ast.Node) or _is_aggregate(node) or type(node) is ast.SelectStmt:
        return
    if type(node) is not ast.A_Const and text_of(node) in present:
        return
    if type(node) is ast.ColumnRef:
        if names_of(node):
            yield node
        return
    for attribute in node:
        yield from _bare_columns(getattr(node, attribute), present)


def meaning(node: Any, query: Query) -> Any:
    """What ``GROUP BY 2`` or ``GROUP BY year`` stands for, where the name is an output's and no column's."""
    targets = query.statement.targetList or ()
    number = node.val.ival if type(node) is ast.A_Const and type(node.val) is ast.Integer else None
    if number is not None and 1 <= number <= len(targets):
        return targets[number - 1].val
    path = names_of(node) if type(node) is ast.ColumnRef else []
    if len(path) == 1 and path[0] in query.outputs and not query.holders(path[0]):
        return query.outputs[path[0]]
    return node


def _move_aggregates(statement: Any) -> None:
    """A condition on an aggregate belongs in HAVING."""
    where = statement.whereClause
    if where is None or not _holds_aggregate(where):
        return
    joined = type(where) is ast.BoolExpr and where.boolop == BoolExprType.AND_EXPR
    parts = tuple(where.args or ()) if joined else (where,)
    moved = [part for part in parts if _holds_aggregate(part)]
    kept = [part for part in parts if not _holds_aggregate(part)]
    having = [statement.havingClause] if statement.havingClause else []
    statement.whereClause = all_of(kept)
    statement.havingClause = all_of(having + moved)


def all_of(parts: list[Any]) -> Any:
    """Conditions joined by AND; none where there are none."""
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else ast.BoolExpr(boolop=BoolExprType.AND_EXPR, args=tuple(parts))


def _drop_distinct(query: Query, present: set[str]) -> None:
    """In a grouped SELECT plain DISTINCT adds nothing where the groups are selected, and forbids other sort keys."""
    statement = query.statement
    selected = {text_of(target.val) for target in statement.targetList or ()}
    if present <= selected and all(not part for part in statement.distinctClause):
        statement.distinctClause = None


def mend_distinct(query: Query) -> None:
    """SELECT DISTINCT may sort only by what it selects: sort keys that are not selected are left out."""
    statement = query.statement
    if not statement.distinctClause or any(statement.distinctClause) or not statement.sortClause:
        return
    selected = {text_of(target.val) for target in statement.targetList or ()} | set(query.outputs)
    kept = [
        s for s in statement.sortClause if text_of(meaning(s.node, query)) in selected or text_of(s.node) in selected
    ]
    statement.sortClause = tuple(kept) or None


def _is_aggregate(node: Any) -> bool:
    return function_name(node) in AGGREGATES and not node.over


def _is_window(node: Any) -> bool:
    return type(node) is ast.FuncCall and bool(node.over)


def _holds_aggregate(node: Any) -> bool:
    return any(_is_aggregate(part) for part in own_nodes(node))


def text_of(node: Any) -> str:
    """An expression as SQL, to compare it with others."""
    return str(RawStream()(rewrite(node, lambda inner: inner)))
