"""Makes nodes of PostgreSQL's tree."""

from __future__ import annotations

from typing import Any

from pglast import ast
from pglast.enums import A_Expr_Kind, CoercionForm


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


def text(value: str) -> Any:
    """A text as a constant."""
    return ast.A_Const(val=ast.String(sval=value))


def number(value: int) -> Any:
    """A whole number as a constant."""
    return ast.A_Const(val=ast.Integer(ival=value))
