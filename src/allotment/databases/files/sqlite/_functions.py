"""Functions SQLite may call: its own by name, and PostgreSQL's it does not have.

Dates and times are text in ISO form here, as SQLite keeps them.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

BUILT_IN = frozenset(
    {
        # aggregates and windows
        "avg", "count", "max", "min", "sum", "group_concat", "cume_dist", "dense_rank", "first_value", "lag",
        "last_value", "lead", "nth_value", "ntile", "percent_rank", "rank", "row_number",
        # numbers
        "abs", "ceil", "ceiling", "exp", "floor", "ln", "log", "log10", "mod", "power", "pow", "round", "sign", "sqrt",
        "trunc",
        # text
        "instr", "length", "like", "ltrim", "rtrim", "substr", "substring", "trim", "unicode",
        # dates
        "date", "datetime", "julianday", "strftime", "current_date", "current_timestamp",
        # other
        "coalesce", "ifnull", "iif", "nullif",
    }
)  # fmt: skip
"""SQLite's own, by exact name; none reads files, loads code, or makes text much longer."""


def shifted(text: str | None, months: int, days: int, seconds: int) -> str | None:
    """A date or time and an interval: PostgreSQL adds months first and keeps within the month."""
    if text is None:
        return None
    start = datetime.fromisoformat(text)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    moved = start.replace(year=year, month=month + 1, day=day) + timedelta(days=days, seconds=seconds)
    return moved.strftime("%Y-%m-%d %H:%M:%S")


def date_part(part: str, text: str | None) -> int | None:
    """What ``strftime`` does not tell of a date or time: ``quarter``, ``week`` or ``isodow``."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    if part == "quarter":
        return (at.month + 2) // 3
    return at.isocalendar().week if part == "week" else at.isoweekday()


def date_trunc(part: str, text: str | None) -> str | None:
    """The beginning of a ``quarter`` or ``week``."""
    if text is None:
        return None
    at = datetime.fromisoformat(text)
    start = at.replace(month=(at.month - 1) // 3 * 3 + 1, day=1) if part == "quarter" else at - timedelta(at.weekday())
    return start.strftime("%Y-%m-%d 00:00:00")


def _not_zero(divisor: float, _dividend: float) -> float:
    """The divisor; NULL, without an error, where either side is NULL, as in PostgreSQL."""
    if not divisor:
        raise ZeroDivisionError
    return divisor


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    def chosen(*values: Any) -> Any:
        there = [value for value in values if value is not None]
        return choose(there) if there else None

    return chosen


def _on_text(change: Callable[..., Any]) -> Callable[..., Any]:
    """NULL of NULL, as every function of PostgreSQL here."""
    return lambda *values: None if None in values else change(*values)


def _right(text: str, count: int) -> str:
    return text[max(len(text) - count, 0) :] if count >= 0 else text[-count:]


def _split_part(text: str, separator: str, number: int) -> str:
    parts = text.split(separator) if separator else [text]
    return parts[number - 1] if 0 < number <= len(parts) else ""


def _concat(*values: Any) -> str:
    return "".join(str(value) for value in values if value is not None)


OWN: dict[str, tuple[int, Callable[..., Any]]] = {
    "allotment_not_zero": (2, _on_text(_not_zero)),
    "allotment_rint": (1, _on_text(round)),
    "allotment_shift": (4, shifted),
    "concat": (-1, _concat),
    "date_part": (2, date_part),
    "date_trunc": (2, date_trunc),
    "greatest": (-1, _extreme(max)),
    "least": (-1, _extreme(min)),
    "allotment_left": (2, _on_text(lambda text, count: text[:count])),
    "lower": (1, _on_text(lambda text: str(text).lower())),
    "reverse": (1, _on_text(lambda text: text[::-1])),
    "allotment_right": (2, _on_text(_right)),
    "split_part": (3, _on_text(_split_part)),
    "starts_with": (2, _on_text(lambda text, start: text.startswith(start))),
    "upper": (1, _on_text(lambda text: str(text).upper())),
}
"""PostgreSQL's functions that SQLite lacks, or knows for ASCII letters only: name → number of arguments, body."""
