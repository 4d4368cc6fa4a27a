"""What rows were grouped and ranked by stands in the answer: a list of numbers without their names says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pglast import ast

from allotment.agents.sql._keys import is_key_name
from allotment.agents.sql._queries import Query, names_of
from allotment.agents.sql.mending._grouping import meaning, text_of

_MOST = 3
"""Groups of more columns than this are left as they are written."""


def mend_labels(query: Query) -> None:
    """Select the groups where none of them is selected, and what ranks the rows where so many of them are asked for.

    For the outermost SELECT; in an inner one more columns would change what it means.
    """
    statement = query.statement
    if (
        not statement.targetList
        or statement.distinctClause
        or any(_is_star(target.val) for target in statement.targetList)
    ):
        return
    selected = {text_of(target.val) for target in statement.targetList}
    groups = [meaning(node, query) for node in statement.groupClause or ()]
    plain = 0 < len(groups) <= _MOST and all(isinstance(node, ast.Node) for node in groups)
    labels = list(_labels(groups)) if plain and not selected & {text_of(node) for node in groups} else []
    ranks = [node for node in _ranks(query) if text_of(node) not in selected]
    statement.targetList = (*map(_target, labels), *statement.targetList, *map(_target, ranks))


def _labels(groups: list[Any]) -> Iterator[Any]:
    """The names among the groups; where all are keys, the keys."""
    named = [node for node in groups if not (type(node) is ast.ColumnRef and is_key_name(names_of(node)[-1]))]
    yield from named or groups


def _ranks(query: Query) -> Iterator[Any]:
    statement = query.statement
    count = getattr(getattr(statement.limitCount, "val", None), "ival", None)
    for part in statement.sortClause or ():
        value = meaning(part.node, query)
        if type(value) is not ast.A_Const and (count or 0) > 1:
            yield value


def _is_star(value: Any) -> bool:
    return type(value) is ast.ColumnRef and not names_of(value)


def _target(value: Any) -> Any:
    return ast.ResTarget(val=value)
