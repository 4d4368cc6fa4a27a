"""Values a statement compares text columns with: one that no row has is looked for in other spellings.

A filter that fits nothing gives an answer that is well-formed and wrong: no rows, or a count of 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pglast import ast
from pglast.enums import A_Expr_Kind

from allotment.agents.sql._keys import family
from allotment.agents.sql._queries import CLAUSES, Query, last_name, names_of, own_nodes
from allotment.agents.sql._quoting import pattern
from allotment.agents.sql._vocabulary import fold
from allotment.agents.sql.mending._nodes import text
from allotment.databases import ColumnCard, Table

Holds = Callable[[Table, str, str, str], bool]
"""Whether a row of a column compares with a text under ``=`` or ``ILIKE``: ``(table, column, operator, text)``."""


_LETTERS_OF_A_WORD = 4


@dataclass(frozen=True)
class Filter:
    """A comparison of a text column with a text."""

    node: Any
    table: Table
    column: ColumnCard
    value: str


def mend_filters(query: Query, holds: Holds) -> list[str]:
    """Widen ``= 'x'`` to ``ILIKE '%x%'`` where no row has ``x`` itself; returns what no row has in any spelling."""
    return [_note(found) for found in list(_filters(query)) if not _fits(found, holds)]


def _fits(found: Filter, holds: Holds) -> bool:
    """Whether the filter fits a row, after it was widened where that helps."""
    equal = found.node.kind in {A_Expr_Kind.AEXPR_OP, A_Expr_Kind.AEXPR_IN}
    operator = "=" if equal else "ILIKE"
    if holds(found.table, found.column.name, operator, found.value):
        if found.node.kind == A_Expr_Kind.AEXPR_LIKE:
            _to_ilike(found.node, found.value)
        return True
    wider = next((p for p in _wider(found.value) if holds(found.table, found.column.name, "ILIKE", p)), None)
    if wider is None:
        return False
    if found.node.kind != A_Expr_Kind.AEXPR_IN:
        _to_ilike(found.node, wider)
        return True
    same = next((value for value in found.column.values if fold(value) == fold(found.value)), None)
    if same is None:
        return False
    found.node.rexpr = tuple(text(same) if _said(part) == found.value else part for part in found.node.rexpr)
    return True


def _wider(value: str) -> Iterator[str]:
    """The same in another case or with other marks; then, for words and not for codes or numbers, a part of it."""
    part = pattern(value.strip("%"))
    yield part.strip("%")
    if sum(character.isalpha() for character in value) >= _LETTERS_OF_A_WORD:
        yield part


def _to_ilike(node: Any, wider: str) -> None:
    negated = last_name(node.name) in {"<>", "!=", "!~~", "!~~*"}
    node.kind = A_Expr_Kind.AEXPR_ILIKE
    node.name = (ast.String(sval="!~~*" if negated else "~~*"),)
    node.rexpr = text(wider)


def _filters(query: Query) -> Iterator[Filter]:
    """Comparisons of a text column of a table with a text."""
    for clause in CLAUSES:
        for node in own_nodes(getattr(query.statement, clause)):
            yield from compared(node, query)


def compared(node: Any, query: Query) -> Iterator[Filter]:
    """What a node compares a text column of a table with, one by one; nothing if it is no such comparison."""
    column = _column(node.lexpr, query) if type(node) is ast.A_Expr and _compares(node) else None
    if column is None:
        return
    for part in node.rexpr if isinstance(node.rexpr, tuple) else (node.rexpr,):
        if _said(part) is not None:
            yield Filter(node, *column, str(_said(part)))


def _compares(node: Any) -> bool:
    if node.kind == A_Expr_Kind.AEXPR_OP:
        return last_name(node.name) in {"=", "<>", "!="}
    return node.kind in {A_Expr_Kind.AEXPR_IN, A_Expr_Kind.AEXPR_LIKE, A_Expr_Kind.AEXPR_ILIKE}


def _column(node: Any, query: Query) -> tuple[Table, ColumnCard] | None:
    path = names_of(node) if type(node) is ast.ColumnRef else []
    if not path:
        return None
    source = query.source(path[-2]) if len(path) > 1 else next(iter(query.holders(path[0])), None)
    if source is None or source.table is None:
        return None
    column = next((one for one in source.table.columns if one.name == path[-1]), None)
    return (source.table.table, column) if column and family(column.type) == "text" else None


def _said(node: Any) -> str | None:
    value = node.val if type(node) is ast.A_Const else None
    return str(value.sval) if type(value) is ast.String else None


def _note(found: Filter) -> str:
    said = f"no row has {found.value!r} in {found.table.name}.{found.column.name}"
    return f"{said}; its values are listed" if found.column.values else said
