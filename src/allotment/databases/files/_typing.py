"""What each part of a statement gives, as PostgreSQL would have it; sqlglot tells, with its few gaps filled here."""

from __future__ import annotations

from typing import Any, Literal

from sqlglot import exp
from sqlglot.dialects import Dialect

Kind = Literal["integer", "number", "text", "date", "timestamp", "boolean", "unknown"]

_KINDS: dict[Kind, set[exp.DType]] = {
    "integer": {*exp.DataType.SIGNED_INTEGER_TYPES, *exp.DataType.UNSIGNED_INTEGER_TYPES},
    "number": {*exp.DataType.FLOAT_TYPES, exp.DType.DECIMAL, exp.DType.BIGDECIMAL},
    "text": set(exp.DataType.TEXT_TYPES),
    "date": {exp.DType.DATE},
    "timestamp": {exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPNTZ, exp.DType.DATETIME},
    "boolean": {exp.DType.BOOLEAN},
}

_SHORT = {exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT}
"""Whole numbers whose sum is a bigint; that of others is a numeric."""


def kind_of(node: exp.Expr) -> Kind:
    """What a part of a statement gives."""
    found = node.type.this if node.type else None
    return next((kind for kind, types in _KINDS.items() if found in types), "unknown")


def is_number(node: exp.Expr) -> bool:
    """Whether it gives a number."""
    return kind_of(node) in {"integer", "number"}


def _sum(annotator: Any, node: exp.Sum) -> exp.Sum:
    """PostgreSQL adds bigints up to a numeric, so that dividing the sum keeps its fraction."""
    given = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    of = given.type.this if given.type else None
    summed = exp.DType.DECIMAL if kind_of(given) == "integer" else of
    found = exp.DType.BIGINT if of in _SHORT else summed if is_number(given) else exp.DType.UNKNOWN
    annotator._set_type(node, found)
    return node


def _literal(annotator: Any, node: exp.Literal) -> exp.Literal:
    """A number with a point is a numeric."""
    if node.is_number and not node.is_int:
        annotator._set_type(node, exp.DType.DECIMAL)
        return node
    annotated: exp.Literal = annotator._annotate_literal(node)
    return annotated


def _average(annotator: Any, node: exp.Avg) -> exp.Avg:
    """Floats have a float's average, other numbers an exact one."""
    given = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    is_float = given.type is not None and given.type.this in exp.DataType.FLOAT_TYPES
    annotator._set_type(node, exp.DType.DOUBLE if is_float else exp.DType.DECIMAL)
    return node


def _quotient(annotator: Any, node: exp.Div) -> exp.Div:
    """Two ints give an int, which sqlglot takes for a bigint."""
    if {side.type.this for side in (node.this, node.expression) if side.type} <= _SHORT:
        annotator._set_type(node, exp.DType.INT)
        return node
    annotated: exp.Div = annotator._annotate_div(node)
    return annotated


def _first(annotator: Any, node: exp.Nullif) -> exp.Nullif:
    annotator._set_type(node, node.this.type)
    return node


def _difference(annotator: Any, node: exp.Sub) -> exp.Sub:
    """Two dates are days apart."""
    if kind_of(node.this) == kind_of(node.expression) == "date":
        annotator._set_type(node, exp.DType.INT)
        return node
    moved: exp.Sub = _moved(annotator, node)
    return moved


def _moved(annotator: Any, node: Any) -> Any:
    """A date and an interval make a timestamp, a date and days a date."""
    sides = (node.this, node.expression)
    if any(isinstance(side, exp.Interval) for side in sides):
        annotator._set_type(node, exp.DType.TIMESTAMP)
    elif {kind_of(side) for side in sides} == {"date", "integer"}:
        annotator._set_type(node, exp.DType.DATE)
    else:
        annotator._annotate_binary(node)
    return node


TYPES: Any = {
    **Dialect.get_or_raise("postgres").EXPRESSION_METADATA,
    exp.Avg: {"annotator": _average},
    exp.Div: {"annotator": _quotient},
    exp.Nullif: {"annotator": _first},
    exp.Literal: {"annotator": _literal},
    exp.Sum: {"annotator": _sum},
    exp.Sub: {"annotator": _difference},
    exp.Add: {"annotator": _moved},
    exp.TimestampTrunc: {"returns": exp.DType.TIMESTAMP},
    exp.DateTrunc: {"returns": exp.DType.TIMESTAMP},
}
"""How the type of each kind of node is found, for sqlglot's annotator."""
