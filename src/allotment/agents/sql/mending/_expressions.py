"""Expressions PostgreSQL would refuse or round away: types that do not fit, other databases' functions, division."""

from __future__ import annotations

from typing import Any

from pglast import ast
from pglast.enums import A_Expr_Kind, CoercionForm, SQLValueFunctionOp

from allotment.agents.sql._keys import family
from allotment.agents.sql._queries import Query, function_name, last_name, rewrite_query

_COMPARISONS = frozenset({"=", "<>", "!=", "<", ">", "<=", ">="})
_LIKES = {A_Expr_Kind.AEXPR_LIKE, A_Expr_Kind.AEXPR_ILIKE}
_WHOLE_FUNCTIONS = frozenset({"count", "length", "char_length"})
_NUMBER_FUNCTIONS = frozenset({"avg", "extract", "date_part", "round", "stddev", "variance"})
_PARTS = {"year": "year", "month": "month", "day": "day", "hour": "hour", "minute": "minute", "quarter": "quarter"}
_TIMED = {"date", "timestamp", "time", "interval"}
_TRUE_WORDS = {"true": True, "yes": True, "t": True, "1": True, "false": False, "no": False, "f": False, "0": False}


def mend_expressions(query: Query) -> None:
    """Mend every expression of one SELECT, inner ones first."""
    rewrite_query(query, _Expressions(query).change)


class _Expressions:
    def __init__(self, query: Query) -> None:
        self._query = query

    def change(self, node: Any) -> Any:
        if type(node) is ast.FuncCall:
            return self._function(node)
        if type(node) is ast.A_Expr:
            return self._operator(node)
        return node

    # types

    def kind(self, node: Any) -> str:
        """Coarse type of an expression (see ``family``), empty where unknown."""
        if type(node) is ast.ColumnRef:
            return family(self._query.type_of(node))
        if type(node) is ast.A_Const:
            if node.isnull:
                return ""
            return {ast.Integer: "whole", ast.Float: "number", ast.Boolean: "boolean"}.get(type(node.val), "literal")
        if type(node) is ast.TypeCast:
            return family(last_name(node.typeName.names if node.typeName else ()))
        if type(node) is ast.SQLValueFunction:
            return "date" if node.op == SQLValueFunctionOp.SVFOP_CURRENT_DATE else "timestamp"
        if type(node) is ast.FuncCall:
            return self._function_kind(node)
        if type(node) is ast.A_Expr and node.kind == A_Expr_Kind.AEXPR_OP and node.lexpr and node.rexpr:
            return _combined(last_name(node.name), self.kind(node.lexpr), self.kind(node.rexpr))
        if type(node) is ast.CaseExpr:
            kinds = {self.kind(when.result) for when in node.args or ()} | ({self.kind(node.defresult)} - {""})
            return kinds.pop() if len(kinds) == 1 else ""
        if type(node) is ast.A_Expr and node.kind == A_Expr_Kind.AEXPR_NULLIF:
            return self.kind(node.lexpr)
        return ""

    def _function_kind(self, node: Any) -> str:
        called, arguments = function_name(node), node.args or ()
        if called in _WHOLE_FUNCTIONS:
            return "whole"
        if called in _NUMBER_FUNCTIONS:
            return "number"
        if called in {"sum", "min", "max", "abs", "coalesce", "greatest", "least"} and arguments:
            return self.kind(arguments[0])
        if called in {"to_timestamp", "now", "date_trunc"}:
            return "timestamp"
        return "date" if called == "to_date" else ""

    # functions

    def _function(self, node: Any) -> Any:
        called, arguments = function_name(node).lower(), list(node.args or ())
        if called in _PARTS and len(arguments) == 1:
            return _extract(_PARTS[called], self._as_time(arguments[0]))
        if called == "date" and len(arguments) == 1:
            return cast(self._as_time(arguments[0]), "date")
        if called == "ifnull" and len(arguments) == 2:
            return ast.CoalesceExpr(args=tuple(arguments))
        if called in {"curdate", "getdate"} and not arguments:
            return ast.SQLValueFunction(op=SQLValueFunctionOp.SVFOP_CURRENT_DATE, typmod=-1)
        if called == "datediff" and len(arguments) == 2:
            return binary("-", cast(arguments[0], "date"), cast(arguments[1], "date"))
        if called == "strftime" and len(arguments) == 2:
            return self._strftime(node, *arguments)
        if called == "round" and len(arguments) == 2 and self.kind(arguments[0]) not in {"whole"}:
            node.args = (cast(arguments[0], "numeric"), arguments[1])
        elif called in {"sum", "avg"} and len(arguments) == 1 and self.kind(arguments[0]) in {"text", "boolean"}:
            node.args = (
                cast(cast(arguments[0], "int4"), "numeric")
                if self.kind(arguments[0]) == "boolean"
                else cast(arguments[0], "numeric"),
            )
        elif called in {"date_trunc", "date_part", "extract"} and len(arguments) == 2:
            return self._time_part(node, called, *arguments)
        return node

    def _time_part(self, node: Any, called: str, part: Any, value: Any) -> Any:
        """Dates kept as text or as seconds since 1970 are made dates; days between two dates are a number already."""
        days = type(value) is ast.A_Expr and self.kind(value) == "whole"
        if days and called != "date_trunc":
            said = str(getattr(part.val, "sval", "")) if type(part) is ast.A_Const else ""
            if said in {"day", "days"}:
                return value
            return binary("*", value, ast.A_Const(val=ast.Integer(ival=86400))) if said == "epoch" else node
        node.args = (part, self._as_time(value))
        return node

    def _as_time(self, value: Any) -> Any:
        kind = self.kind(value)
        if kind == "whole" and type(value) is ast.ColumnRef:
            return call("to_timestamp", value)
        return cast(value, "timestamp") if kind in {"text", "literal"} else value

    def _strftime(self, node: Any, form: Any, value: Any) -> Any:
        said = str(getattr(getattr(form, "val", None), "sval", ""))
        parts = {"%Y": "YYYY", "%m": "MM", "%d": "DD", "%H": "HH24", "%M": "MI", "%S": "SS"}
        for theirs, ours in parts.items():
            said = said.replace(theirs, ours)
        return (
            call("to_char", self._as_time(value), ast.A_Const(val=ast.String(sval=said))) if "%" not in said else node
        )

    # operators

    def _operator(self, node: Any) -> Any:
        if node.kind in _LIKES and self.kind(node.lexpr) not in {"text", "literal", ""}:
            node.lexpr = cast(node.lexpr, "text")
        elif node.kind == A_Expr_Kind.AEXPR_OP and node.lexpr is not None and node.rexpr is not None:
            if last_name(node.name) == "/":
                self._division(node)
            elif last_name(node.name) in _COMPARISONS:
                self._comparison(node)
        return node

    def _division(self, node: Any) -> None:
        """Two whole numbers divide to a whole number, which nobody who asks for a ratio means; nothing divides by 0."""
        constant = type(node.rexpr) is ast.A_Const
        if self.kind(node.lexpr) == self.kind(node.rexpr) == "whole" and not constant:
            node.lexpr = cast(node.lexpr, "numeric")
        if not constant and not _is_nullif(node.rexpr):
            node.rexpr = ast.A_Expr(
                kind=A_Expr_Kind.AEXPR_NULLIF,
                name=(ast.String(sval="="),),
                lexpr=node.rexpr,
                rexpr=ast.A_Const(val=ast.Integer(ival=0)),
            )

    def _comparison(self, node: Any) -> None:
        left, right = self.kind(node.lexpr), self.kind(node.rexpr)
        for one, other, value in ((left, right, "rexpr"), (right, left, "lexpr")):
            constant = getattr(node, value)
            if type(constant) is not ast.A_Const:
                continue
            if one == "text" and other in {"whole", "number"}:
                setattr(node, value, ast.A_Const(val=ast.String(sval=_number_text(constant.val))))
            elif one == "boolean" and other in {"whole", "literal"}:
                said = _TRUE_WORDS.get(_number_text(constant.val).lower())
                if said is not None:
                    setattr(node, value, ast.A_Const(val=ast.Boolean(boolval=said)))
        if "text" in (left, right) and {left, right} & {"whole", "number"} and _both_columns(node):
            node.lexpr, node.rexpr = cast(node.lexpr, "text"), cast(node.rexpr, "text")


def cast(node: Any, kind: str) -> Any:
    """``node`` cast to a type."""
    return ast.TypeCast(arg=node, typeName=ast.TypeName(names=(ast.String(sval=kind),), typemod=-1))


def binary(sign: str, left: Any, right: Any) -> Any:
    """Two expressions joined by an operator."""
    return ast.A_Expr(kind=A_Expr_Kind.AEXPR_OP, name=(ast.String(sval=sign),), lexpr=left, rexpr=right)


def call(called: str, *arguments: Any) -> Any:
    """A function call."""
    form = CoercionForm.COERCE_EXPLICIT_CALL
    return ast.FuncCall(funcname=(ast.String(sval=called),), args=arguments, funcformat=form)


def _extract(part: str, value: Any) -> Any:
    return call("date_part", ast.A_Const(val=ast.String(sval=part)), value)


def _combined(sign: str, left: str, right: str) -> str:
    if left in _TIMED or right in _TIMED:
        dates = left == right == "date" and sign == "-"
        return "whole" if dates else ("interval" if sign == "-" and left == right else "timestamp")
    if sign in _COMPARISONS:
        return "boolean"
    return "whole" if left == right == "whole" else ("number" if {left, right} <= {"whole", "number"} else "")


def _is_nullif(node: Any) -> bool:
    inner = node.arg if type(node) is ast.TypeCast else node
    return type(inner) is ast.A_Expr and inner.kind == A_Expr_Kind.AEXPR_NULLIF


def _number_text(value: Any) -> str:
    return str(
        getattr(value, "ival", None) if type(value) is ast.Integer else getattr(value, "fval", None) or value.sval
    )


def _both_columns(node: Any) -> bool:
    return type(node.lexpr) is type(node.rexpr) is ast.ColumnRef
