"""Casts and comparisons between types, which SQLite takes lightly and PostgreSQL does not."""

from __future__ import annotations

from datetime import date, datetime

from sqlglot import exp

from allotment.databases.files._dialect import refused
from allotment.databases.files._typing import is_number, kind_of

_REAL = exp.DataType.build("REAL")
_INTEGER = exp.DataType.build("INTEGER")


def cast(node: exp.Cast) -> exp.Expr | None:
    """A cast as PostgreSQL does it: rounding, refusing text that is no number, dates as ISO text."""
    wanted, given = kind_of(node), kind_of(node.this)
    if node.this.is_string and wanted != "text":
        # Still a cast: a bare number in ORDER BY would name a column of the answer.
        return exp.Cast(this=made, to=_INTEGER) if (made := _constant(node.this, wanted)).is_number else made
    inner: exp.Expr = node.this
    if wanted == given and wanted not in {"number", "text"} and not inner.is_number:
        return inner
    if wanted == "text":
        return _as_text(node, given)
    if wanted == "integer" and given == "integer":
        return None
    if wanted == "integer" and given == "number":
        # A float is rounded to the even one of two neighbours, a numeric away from zero.
        is_exact = inner.is_type("decimal")
        rounded = exp.Round(this=inner) if is_exact else exp.Anonymous(this="allotment_rint", expressions=[inner])
        return exp.Cast(this=rounded, to=_INTEGER)
    if wanted == "integer" and given == "boolean":
        return exp.Cast(this=node.this, to=_INTEGER)
    if wanted == "number" and is_number(node.this):
        return _as_number(node)
    if wanted == "boolean" and given == "integer":
        return exp.NEQ(this=node.this, expression=exp.Literal.number(0))
    if (wanted, given) == ("date", "timestamp"):
        return exp.Anonymous(this="date", expressions=[node.this])
    if (wanted, given) == ("timestamp", "date"):
        return exp.Anonymous(this="datetime", expressions=[node.this])
    if isinstance(inner, exp.Null):
        return inner
    shown = node.sql(dialect="postgres")
    raise refused(f"the cast {shown} cannot be made in a SQLite file.", "Use the column as it is.")


def _as_text(node: exp.Cast, given: str) -> exp.Expr:
    if given == "boolean":
        words = [exp.If(this=node.this, true=exp.Literal.string("true"))]
        words.append(exp.If(this=exp.Not(this=node.this.copy()), true=exp.Literal.string("false")))
        return exp.Case(ifs=words)
    text: exp.Expr = exp.Cast(this=node.this, to=exp.DataType.build("TEXT"))
    width = node.to.expressions[0].this if node.to.expressions else None
    return exp.Anonymous(this="substr", expressions=[text, exp.Literal.number(1), width]) if width else text


def _as_number(node: exp.Cast) -> exp.Expr:
    real = exp.Cast(this=node.this, to=_REAL)
    sizes = node.to.expressions
    is_numeric = node.to.is_type("decimal")
    if not is_numeric or not sizes:
        return real
    return exp.Round(this=real, decimals=sizes[1].this if len(sizes) > 1 else exp.Literal.number(0))


def coerced(left: exp.Expr, right: exp.Expr) -> tuple[exp.Expr, exp.Expr]:
    """Two sides of a comparison in one type.

    Raises:
        SqlRefused: PostgreSQL would not compare them.
    """
    kinds = {kind_of(left), kind_of(right)}
    if kinds == {"date", "timestamp"}:
        return _moment(left), _moment(right)
    if len(kinds) == 2 and not kinds & {"unknown", "boolean"} and kinds != {"integer", "number"}:
        if right.is_string:
            return left, _constant(right, kind_of(left))
        if left.is_string:
            return _constant(left, kind_of(right)), right
        shown = f"{left.sql(dialect='postgres')} with {right.sql(dialect='postgres')}"
        raise refused(f"PostgreSQL does not compare {shown}.", "Compare values of one type.")
    return left, right


def _moment(side: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="datetime", expressions=[side]) if kind_of(side) == "date" else side


def _constant(literal: exp.Expr, wanted: str) -> exp.Expr:
    """A text in quotes as a value of the type it stands beside."""
    text = str(literal.this).strip()
    try:
        if wanted in {"integer", "number"}:
            number = int(text) if wanted == "integer" else float(text)
            made: exp.Expr = exp.Literal.number(repr(abs(number)))
            return exp.Paren(this=exp.Neg(this=made)) if number < 0 else made
        if wanted == "date":
            return exp.Literal.string(date.fromisoformat(text).isoformat())
        if wanted == "timestamp":
            return exp.Literal.string(datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M:%S"))
        if wanted == "boolean":
            return exp.Boolean(this={"t": True, "true": True, "f": False, "false": False}[text.casefold()])
    except (ValueError, KeyError):
        pass
    raise refused(f"'{text}' is no {wanted}.", "Write dates as '2020-01-31', times as '2020-01-31 10:00:00'.")
