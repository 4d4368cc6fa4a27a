"""Expressions PostgreSQL would refuse or round away: types that do not fit, other databases' functions, division."""

from __future__ import annotations

import calendar
from typing import Any

from pglast import ast
from pglast.enums import A_Expr_Kind, SQLValueFunctionOp

from allotment.agents.sql._queries import Query, function_name, last_name, names_of, rewrite_query
from allotment.agents.sql._vocabulary import words
from allotment.agents.sql.mending._kinds import COMPARISONS, kind_of
from allotment.agents.sql.mending._nodes import binary, call, cast, number, text

_LIKES = {A_Expr_Kind.AEXPR_LIKE, A_Expr_Kind.AEXPR_ILIKE}
_PARTS = {"year": "year", "month": "month", "day": "day", "hour": "hour", "minute": "minute", "quarter": "quarter"}
_NAME_FORMS = {"day": "FMDay", "month": "FMMonth"}
_DAYS = frozenset(day.lower() for day in calendar.day_name)
_MONTHS = frozenset(month.lower() for month in calendar.month_name if month)
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

    def kind(self, node: Any) -> str:
        return kind_of(node, self._query)

    # functions

    def _function(self, node: Any) -> Any:
        called, arguments = function_name(node).lower(), list(node.args or ())
        if called in _PARTS and len(arguments) == 1:
            if self._is_already(arguments[0], called):
                return arguments[0]
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
        asked = str(getattr(part.val, "sval", "")) if type(part) is ast.A_Const else ""
        if called != "date_trunc" and self._is_already(value, asked):
            return value
        days = type(value) is ast.A_Expr and self.kind(value) == "whole"
        if days and called != "date_trunc":
            if asked in {"day", "days"}:
                return value
            return binary("*", value, number(86400)) if asked == "epoch" else node
        node.args = (part, self._as_time(value))
        return node

    def _is_already(self, value: Any, part: str) -> bool:
        """Whether a column of whole numbers is called the part that is asked of it: the year of ``year`` is itself."""
        named = type(value) is ast.ColumnRef and self.kind(value) == "whole" and words(names_of(value)[-1])[-1:]
        return named == [part]

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
        return call("to_char", self._as_time(value), text(said)) if "%" not in said else node

    # operators

    def _operator(self, node: Any) -> Any:
        if node.kind in _LIKES and self.kind(node.lexpr) not in {"text", "literal", ""}:
            node.lexpr = (
                _date_text(node.lexpr) if self.kind(node.lexpr) in {"date", "timestamp"} else cast(node.lexpr, "text")
            )
        elif node.kind == A_Expr_Kind.AEXPR_OP and node.lexpr is not None and node.rexpr is not None:
            if last_name(node.name) == "/":
                self._division(node)
            elif last_name(node.name) in COMPARISONS:
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
                rexpr=number(0),
            )

    def _comparison(self, node: Any) -> None:
        left, right = self.kind(node.lexpr), self.kind(node.rexpr)
        if left in {"date", "timestamp"} and _says_a_name(node.rexpr):
            node.lexpr = call("to_char", node.lexpr, text(_NAME_FORMS[_says_a_name(node.rexpr)]))
        for one, other, value in ((left, right, "rexpr"), (right, left, "lexpr")):
            constant = getattr(node, value)
            if type(constant) is not ast.A_Const:
                continue
            if one == "text" and other in {"whole", "number"}:
                setattr(node, value, text(_number_text(constant.val)))
            elif one == "boolean" and other in {"whole", "literal"}:
                said = _TRUE_WORDS.get(_number_text(constant.val).lower())
                if said is not None:
                    setattr(node, value, ast.A_Const(val=ast.Boolean(boolval=said)))
        if "text" in (left, right) and {left, right} & {"whole", "number"} and _both_columns(node):
            node.lexpr, node.rexpr = cast(node.lexpr, "text"), cast(node.rexpr, "text")


def _extract(part: str, value: Any) -> Any:
    return call("date_part", text(part), value)


def _date_text(node: Any) -> Any:
    """A date as a text in which a pattern finds ``2023-04``, ``Saturday`` and ``April`` alike."""
    return call("to_char", node, text("YYYY-MM-DD HH24:MI:SS FMDay FMMonth"))


def _says_a_name(node: Any) -> str:
    """Whether a constant is a ``day``'s or a ``month``'s name; empty for anything else."""
    said = str(getattr(node.val, "sval", "")).strip().lower() if type(node) is ast.A_Const else ""
    return "day" if said in _DAYS else ("month" if said in _MONTHS else "")


def _is_nullif(node: Any) -> bool:
    inner = node.arg if type(node) is ast.TypeCast else node
    return type(inner) is ast.A_Expr and inner.kind == A_Expr_Kind.AEXPR_NULLIF


def _number_text(value: Any) -> str:
    return str(
        getattr(value, "ival", None) if type(value) is ast.Integer else getattr(value, "fval", None) or value.sval
    )


def _both_columns(node: Any) -> bool:
    return type(node.lexpr) is type(node.rexpr) is ast.ColumnRef
