"""The walk over expressions: every node is known and allowed, every column is written with its FROM item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pglast import ast
from pglast.enums import A_Expr_Kind, SQLValueFunctionOp, SubLinkType

from allotment.databases.gate._calls import check_call, check_operator, check_type, parts_of
from allotment.databases.gate._context import Context
from allotment.databases.gate._lists import EXPRESSIONS, JOINING, WORDS
from allotment.databases.gate._scope import Relation, Scope

_VALUE_FUNCTIONS = {
    SQLValueFunctionOp.SVFOP_CURRENT_DATE,
    SQLValueFunctionOp.SVFOP_CURRENT_TIME,
    SQLValueFunctionOp.SVFOP_CURRENT_TIMESTAMP,
    SQLValueFunctionOp.SVFOP_CURRENT_TIMESTAMP_N,
    SQLValueFunctionOp.SVFOP_LOCALTIME,
    SQLValueFunctionOp.SVFOP_LOCALTIMESTAMP,
    SQLValueFunctionOp.SVFOP_LOCALTIMESTAMP_N,
}
_KINDS = {
    A_Expr_Kind.AEXPR_OP,
    A_Expr_Kind.AEXPR_OP_ANY,
    A_Expr_Kind.AEXPR_OP_ALL,
    A_Expr_Kind.AEXPR_DISTINCT,
    A_Expr_Kind.AEXPR_NOT_DISTINCT,
    A_Expr_Kind.AEXPR_NULLIF,
    A_Expr_Kind.AEXPR_IN,
    A_Expr_Kind.AEXPR_LIKE,
    A_Expr_Kind.AEXPR_ILIKE,
    A_Expr_Kind.AEXPR_SIMILAR,
    A_Expr_Kind.AEXPR_BETWEEN,
    A_Expr_Kind.AEXPR_NOT_BETWEEN,
    A_Expr_Kind.AEXPR_BETWEEN_SYM,
    A_Expr_Kind.AEXPR_NOT_BETWEEN_SYM,
}
_SUBQUERIES = {
    SubLinkType.EXISTS_SUBLINK,
    SubLinkType.ANY_SUBLINK,
    SubLinkType.ALL_SUBLINK,
    SubLinkType.EXPR_SUBLINK,
    SubLinkType.ARRAY_SUBLINK,
}
_SEEN = {"args", "funcname", "name"}
"""Attributes of a node that the walk over its others leaves out."""


class Expressions:
    """Checks expressions; ``select`` checks the subqueries in them."""

    def __init__(self, context: Context, select: Callable[[Any, Scope | None], Relation]) -> None:
        self._context = context
        self._select = select

    def check(self, node: Any, scope: Scope) -> int:
        """Check an expression, or a tuple of them; returns how many times longer than a stored text its texts may be.

        Raises:
            SqlRefused: a part of it is not listed, or a name means nothing here.
        """
        if isinstance(node, tuple):
            return max((self.check(part, scope) for part in node), default=0)
        if not isinstance(node, ast.Node):
            return 0
        name = type(node).__name__
        if name not in EXPRESSIONS:
            raise self._context.refusal(f"{WORDS.get(name, name)} is not allowed.")
        with self._context:
            return self._context.checked_growth(self._node(node, name, scope))

    def _node(self, node: Any, name: str, scope: Scope) -> int:
        if name == "ColumnRef":
            return self._column(node, scope)
        if name == "SubLink":
            return self._subquery(node, scope)
        if name == "TypeName":
            check_type(node, self._context)
            return 1
        factor = 1
        if name == "FuncCall":
            factor = check_call(node, self._context)
        elif name == "A_Expr":
            self._operator(node)
        elif name == "A_Indirection":
            self._subscript(node)
        elif name == "SortBy" and node.useOp:
            raise self._context.refusal("ORDER BY … USING is not allowed.")
        elif name == "SQLValueFunction" and node.op not in _VALUE_FUNCTIONS:
            raise self._context.refusal("the user, role, catalog and schema may not be read.")
        arguments = [self.check(part, scope) for part in getattr(node, "args", None) or ()]
        others = [self.check(getattr(node, attribute), scope) for attribute in node if attribute not in _SEEN]
        if name == "A_Expr" and parts_of(node.name) == ["||"]:
            return sum(others)
        if name == "FuncCall" and parts_of(node.funcname)[-1] in JOINING:
            factor = len(arguments)
        return factor * max([1, *arguments, *others])

    def _column(self, node: Any, scope: Scope) -> int:
        *path, column = parts_of(node.fields)
        if column is None:
            raise self._context.refusal("* may stand only alone, as table.*, or in count(*).")
        source, relation = scope.resolve(self.source(path), column, self._context.catalog)
        node.fields = (ast.String(sval=source), ast.String(sval=column))
        return relation.growth

    def source(self, path: list[str | None]) -> str | None:
        """The name of the FROM item in front of a column, without the schema of the table.

        Raises:
            SqlRefused: it is none.
        """
        if len(path) == 2 and path[0] is not None and path[1] is not None:
            self._context.catalog.find(path[0], path[1])
            path = path[1:]
        if len(path) > 1 or None in path:
            raise self._context.refusal("name a column as column or table.column.")
        return path[0] if path else None

    def _operator(self, node: Any) -> None:
        if node.kind not in _KINDS:
            raise self._context.refusal("this operator is not allowed.")
        check_operator(node.name, self._context)

    def _subscript(self, node: Any) -> None:
        # (row).column and (row).* would name columns behind the walk's back.
        if any(type(part) is not ast.A_Indices for part in node.indirection):
            raise self._context.refusal("a column of a row in brackets is not allowed.", "Write table.column.")

    def _subquery(self, node: Any, scope: Scope) -> int:
        if node.subLinkType not in _SUBQUERIES:
            raise self._context.refusal("this kind of subquery is not allowed.")
        check_operator(node.operName, self._context)
        self.check(node.testexpr, scope)
        return self._select(node.subselect, scope).growth
