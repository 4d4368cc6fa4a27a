"""Rows in words, made by code: every number in the text is a row's or the count of the rows, and that is checked.

Text in rows is data. A cell that would be markup where the text is shown is left out of it and stands in the table
alone, which is shown as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from allotment.answering._events import Cell, Table
from allotment.answering._words import sentence
from allotment.guards import check_answer, refused

_SHOWN_ROWS = 20
_SHOWN_IN_ONE_ROW = 4
_LONGEST_CELL = 200
_DIGITS = 4
"""Digits after the point in a text; the table has them all."""

_SAYS_NOTHING = frozenset(
    {"", "column", "count", "value", "result", "answer", "sum", "avg", "min", "max", "total", "n"}
)
_UNITS = {
    "usd": "USD", "eur": "EUR", "gbp": "GBP", "czk": "CZK", "km": "km", "miles": "miles", "meters": "m", "metres": "m",
    "cm": "cm", "mm": "mm", "kg": "kg", "grams": "g", "lbs": "lb", "days": "days", "hours": "h", "minutes": "min",
    "seconds": "s", "ms": "ms", "pct": "%", "percent": "%", "percentage": "%", "kb": "KB", "mb": "MB", "gb": "GB",
    "mph": "mph", "kwh": "kWh",
}  # fmt: skip
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def rows_text(table: Table, language: str) -> str:
    """Rows in words: one value as a sentence, one row as a list of its values, more as a titled Markdown table."""
    if not table.rows:
        return sentence("none", language)
    if len(table.rows) == 1 and len(table.columns) <= _SHOWN_IN_ONE_ROW and not table.truncated:
        return _one_row(table, language)
    shown = table.rows[:_SHOWN_ROWS]
    if len(table.columns) == 1:
        values = ", ".join(_cell(row[0], language) for row in shown)
        said = sentence("list", language, values=values)
    else:
        title = _joined([_label(column) for column in table.columns])
        said = (
            f"{sentence('rows', language, title=title, count=len(table.rows))}\n\n{_markdown(table, shown, language)}"
        )
    cut = table.truncated or len(table.rows) > _SHOWN_ROWS
    return f"{said}\n\n{sentence('more', language)}" if cut else said


def stray_numbers(text: str, table: Table) -> tuple[str, ...]:
    """Numbers of a text that no row has, that are not the count of the rows, and that no column is named with."""
    cells = [cell for row in table.rows for cell in row]
    told = " ".join([*table.columns, *map(_label, table.columns), *(cell for cell in cells if isinstance(cell, str))])
    known = {str(len(table.rows)), *_NUMBER.findall(told)}
    for cell in cells:
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            known.update(_NUMBER.findall(_number(cell)))
    return tuple(dict.fromkeys(number for number in _NUMBER.findall(text) if number not in known))


def _one_row(table: Table, language: str) -> str:
    values = [_with_unit(column, cell, language) for column, cell in zip(table.columns, table.rows[0], strict=True)]
    if len(values) == 1 and _label(table.columns[0]).casefold() in _SAYS_NOTHING:
        return sentence("one", language, value=values[0])
    parts = [f"{_label(column)}: {value}" for column, value in zip(table.columns, values, strict=True)]
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def _with_unit(column: str, cell: Cell, language: str) -> str:
    unit = _UNITS.get(_words(column)[-1]) if _words(column) else None
    shown = _cell(cell, language)
    return f"{shown} {unit}" if unit and isinstance(cell, int | float) and not isinstance(cell, bool) else shown


def _label(column: str) -> str:
    """A column's name as words, without its unit."""
    parts = _words(column)
    if len(parts) > 1 and parts[-1] in _UNITS:
        parts = parts[:-1]
    return _plain(" ".join(parts))


def _words(column: str) -> list[str]:
    return re.sub(r"[\W_]+", " ", column).strip().lower().split()


def _joined(labels: Sequence[str]) -> str:
    text = ", ".join(label or "…" for label in labels)
    return f"{text[:1].upper()}{text[1:]}"


def _markdown(table: Table, rows: Sequence[Sequence[Cell]], language: str) -> str:
    lines = [_line([_plain(column) for column in table.columns]), _line(["---"] * len(table.columns))]
    lines += [_line([_cell(value, language) for value in row]) for row in rows]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _cell(value: Cell, language: str) -> str:
    if value is None:
        return sentence("nothing", language)
    if isinstance(value, bool):
        return str(value).lower()
    return _number(value) if isinstance(value, int | float) else _text(value, language)


def _number(value: int | float) -> str:
    return (
        f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".")
        if isinstance(value, float) and abs(value) >= 1e-3
        else str(value)
    )


def _text(value: str, language: str) -> str:
    """A row's text on one line and not too long; what would be markup is only pointed to."""
    shown = _plain(value)
    if refused(check_answer(shown)):
        return sentence("see_table", language)
    return shown if len(shown) <= _LONGEST_CELL else f"{shown[:_LONGEST_CELL]}…"


def _plain(text: str) -> str:
    return " ".join(_printable(text).split())


def _printable(text: str) -> str:
    return "".join(_characters(text))


def _characters(text: str) -> Iterator[str]:
    """Without characters that are not seen, and that change how the rest is: those of control and direction."""
    for character in text:
        yield character if character.isprintable() else " "
