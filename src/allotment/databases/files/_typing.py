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
    exact = {exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT}
    found = exp.DType.BIGINT if of in exact else exp.DType.DOUBLE if is_number(given) else exp.DType.UNKNOWN
    annotator._set_type(node, found)
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
    exp.Sum: {"annotator": _sum},
    exp.Sub: {"annotator": _difference},
    exp.Add: {"annotator": _moved},
    exp.TimestampTrunc: {"returns": exp.DType.TIMESTAMP},
    exp.DateTrunc: {"returns": exp.DType.TIMESTAMP},
}
"""How the type of each kind of node is found, for sqlglot's annotator."""
