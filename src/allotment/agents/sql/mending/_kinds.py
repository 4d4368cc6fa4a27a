"""Coarse types of expressions, as far as they are plain to see."""

from __future__ import annotations

from typing import Any

from pglast import ast
from pglast.enums import A_Expr_Kind, SQLValueFunctionOp

from allotment.agents.sql._keys import family
from allotment.agents.sql._queries import Query, function_name, last_name

COMPARISONS = frozenset({"=", "<>", "!=", "<", ">", "<=", ">="})
_WHOLE_FUNCTIONS = frozenset({"count", "length", "char_length"})
_NUMBER_FUNCTIONS = frozenset({"avg", "extract", "date_part", "round", "stddev", "variance"})
_TIMED = {"date", "timestamp", "time", "interval"}


def kind_of(node: Any, query: Query) -> str:
    """Coarse type of an expression (see ``family``), empty where unknown."""
    if type(node) is ast.ColumnRef:
        return family(query.type_of(node))
    if type(node) is ast.A_Const:
        if node.isnull:
            return ""
        return {ast.Integer: "whole", ast.Float: "number", ast.Boolean: "boolean"}.get(type(node.val), "literal")
    if type(node) is ast.TypeCast:
        return family(last_name(node.typeName.names if node.typeName else ()))
    if type(node) is ast.SQLValueFunction:
        return "date" if node.op == SQLValueFunctionOp.SVFOP_CURRENT_DATE else "timestamp"
    if type(node) is ast.FuncCall:
        return _function_kind(node, query)
    if type(node) is ast.A_Expr and node.kind == A_Expr_Kind.AEXPR_OP and node.lexpr and node.rexpr:
        return _combined(last_name(node.name), kind_of(node.lexpr, query), kind_of(node.rexpr, query))
    if type(node) is ast.CaseExpr:
        kinds = {kind_of(when.result, query) for when in node.args or ()} | ({kind_of(node.defresult, query)} - {""})
        return kinds.pop() if len(kinds) == 1 else ""
    if type(node) is ast.A_Expr and node.kind == A_Expr_Kind.AEXPR_NULLIF:
        return kind_of(node.lexpr, query)
    return ""


def _function_kind(node: Any, query: Query) -> str:
    called, arguments = function_name(node), node.args or ()
    if called in _WHOLE_FUNCTIONS:
        return "whole"
    if called in _NUMBER_FUNCTIONS:
        return "number"
    if called in {"sum", "min", "max", "abs", "coalesce", "greatest", "least"} and arguments:
        return kind_of(arguments[0], query)
    if called in {"to_timestamp", "now", "date_trunc"}:
        return "timestamp"
    return "date" if called == "to_date" else ""


def _combined(sign: str, left: str, right: str) -> str:
    if left in _TIMED or right in _TIMED:
        dates = left == right == "date" and sign == "-"
        return "whole" if dates else ("interval" if sign == "-" and left == right else "timestamp")
    if sign in COMPARISONS:
        return "boolean"
    return "whole" if left == right == "whole" else ("number" if {left, right} <= {"whole", "number"} else "")
