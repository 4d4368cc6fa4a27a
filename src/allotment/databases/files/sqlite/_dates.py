"""Dates and times: SQLite keeps them as text, so what PostgreSQL does to them is done by functions."""

from __future__ import annotations

import re

from sqlglot import exp

from allotment.databases.files._dialect import refused
from allotment.databases.files._typing import is_number, kind_of

_INTERVAL = {
    "year": (12, 0, 0),
    "month": (1, 0, 0),
    "week": (0, 7, 0),
    "day": (0, 1, 0),
    "hour": (0, 0, 3600),
    "minute": (0, 0, 60),
    "second": (0, 0, 1),
}
"""Unit → months, days, seconds."""
_PARTS = {
    "year": "%Y",
    "month": "%m",
    "day": "%d",
    "hour": "%H",
    "minute": "%M",
    "second": "%S",
    "doy": "%j",
    "dow": "%w",
}
"""Part of a date → what SQLite's ``strftime`` calls it."""
_STARTS = {
    "year": "%Y-01-01 00:00:00",
    "month": "%Y-%m-01 00:00:00",
    "day": "%Y-%m-%d 00:00:00",
    "hour": "%Y-%m-%d %H:00:00",
    "minute": "%Y-%m-%d %H:%M:00",
    "second": "%Y-%m-%d %H:%M:%S",
}
"""Part of a date → its beginning, for ``strftime``."""
_AMOUNT = re.compile(r"\s*([+-]?\d+)\s*([a-z]+?)s?(?=\s|$)", re.IGNORECASE)


def add(node: exp.Add) -> exp.Expr | None:
    """Numbers; a date and days; a date or time and an interval."""
    moved = _moved(node.this, node.expression, 1) or _moved(node.expression, node.this, 1)
    if moved is None:
        _need_numbers(node)
    return moved


def subtract(node: exp.Sub) -> exp.Expr | None:
    """Numbers; days between dates; a date less days; a date or time less an interval."""
    if kind_of(node.this) == kind_of(node.expression) == "date":
        days = [exp.Anonymous(this="julianday", expressions=[side]) for side in (node.this, node.expression)]
        return exp.Cast(this=exp.Sub(this=days[0], expression=days[1]), to=exp.DataType.build("INTEGER"))
    moved = _moved(node.this, node.expression, -1)
    if moved is None:
        _need_numbers(node)
    return moved


def _moved(start: exp.Expr, by: exp.Expr, sign: int) -> exp.Expr | None:
    if kind_of(start) not in {"date", "timestamp"}:
        return None
    if isinstance(by, exp.Interval):
        amounts: list[exp.Expr] = [exp.Literal.number(sign * part) for part in _interval(by)]
        return exp.Anonymous(this="allotment_shift", expressions=[start, *amounts])
    if kind_of(start) == "date" and kind_of(by) == "integer":
        days = by if sign > 0 else exp.Neg(this=exp.Paren(this=by))
        zero = exp.Literal.number(0)
        shifted = exp.Anonymous(this="allotment_shift", expressions=[start, zero, days, zero.copy()])
        return exp.Anonymous(this="date", expressions=[shifted])
    return None


def _interval(node: exp.Interval) -> tuple[int, int, int]:
    text = f"{node.this.name if node.this else ''} {node.unit.name if node.unit else ''}".strip()
    months = days = seconds = end = 0
    for found in _AMOUNT.finditer(text):
        unit = _INTERVAL.get(found[2].casefold())
        if unit is None or found.start() != end:
            break
        count, end = int(found[1]), found.end()
        months, days, seconds = (was + count * each for was, each in zip((months, days, seconds), unit, strict=True))
    if end == 0 or end != len(text):
        raise refused(f"the interval '{text}' cannot be read here.", "Write it like interval '3 months'.")
    return months, days, seconds


def _need_numbers(node: exp.Binary) -> None:
    for side in (node.this, node.expression):
        if not is_number(side) and not isinstance(side, exp.Null):
            shown = node.sql(dialect="postgres")
            raise refused(f"{shown} is not known to be about numbers, or a date and an interval.", "Use other columns.")


def extract(node: exp.Extract) -> exp.Expr:
    """``extract(part FROM date)``."""
    part = node.this.name.casefold()
    _need_date(node.expression)
    if part in _PARTS:
        told = exp.Anonymous(this="strftime", expressions=[exp.Literal.string(_PARTS[part]), node.expression])
        return exp.Cast(this=told, to=exp.DataType.build("INTEGER"))
    if part not in {"quarter", "week", "isodow"}:
        raise refused(f"extract({part} …) is not there in a SQLite file.", f"Use: {', '.join(_PARTS)}, quarter, week.")
    return exp.Anonymous(this="date_part", expressions=[exp.Literal.string(part), node.expression])


def truncate(node: exp.TimestampTrunc | exp.DateTrunc) -> exp.Expr:
    """``date_trunc('month', date)``."""
    part = node.args["unit"].name.casefold()
    _need_date(node.this)
    if part in _STARTS:
        return exp.Anonymous(this="strftime", expressions=[exp.Literal.string(_STARTS[part]), node.this])
    if part not in {"quarter", "week"}:
        known = f"Use: {', '.join(_STARTS)}, quarter, week."
        raise refused(f"date_trunc('{part}', …) is not there in a SQLite file.", known)
    return exp.Anonymous(this="date_trunc", expressions=[exp.Literal.string(part), node.this])


def to_char(node: exp.TimeToStr) -> exp.Expr:
    """``to_char(date, 'YYYY-MM')``."""
    _need_date(node.this)
    return exp.Anonymous(this="strftime", expressions=[node.args["format"], node.this])


def _need_date(node: exp.Expr) -> None:
    if kind_of(node) not in {"date", "timestamp"}:
        raise refused(f"{node.sql(dialect='postgres')} is not known to be a date or time.", "Use a date column.")
