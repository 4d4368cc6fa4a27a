"""What the chain says in its own words, by language; every number in them comes from rows or counts."""

from __future__ import annotations

from collections.abc import Sequence

from allotment.answering._events import Cell, Table
from allotment.dataset import unknown_answer

_SENTENCES = {
    "en": {
        "offers": "I can help with: {offers}.",
        "no_sql": "I cannot answer that from what you may see.",
        "no_agent": "There is no such agent here.",
        "unavailable": "This cannot be answered at the moment. The reason is on record.",
        "withheld": "I may not show the answer I found. The reason is on record.",
        "one": "The answer is {value}.",
        "none": "There are no such rows in what you may see.",
        "list": "The answer is: {values}.",
        "rows": "{count} rows:",
        "more": "There are more rows than shown.",
        "nothing": "nothing",
    },
    "cs": {
        "offers": "Mohu pomoci s tímto: {offers}.",
        "no_sql": "Z toho, co smíte vidět, na to odpovědět nedokážu.",
        "no_agent": "Takový agent tu není.",
        "unavailable": "Na to teď nelze odpovědět. Důvod je v záznamu.",
        "withheld": "Odpověď, kterou mám, nesmím ukázat. Důvod je v záznamu.",
        "one": "Odpověď je {value}.",
        "none": "V tom, co smíte vidět, takové řádky nejsou.",
        "list": "Odpověď je: {values}.",
        "rows": "Řádků: {count}",
        "more": "Řádků je více, než je zobrazeno.",
        "nothing": "nic",
    },
}
_SHOWN_ROWS = 20


def sentence(name: str, language: str, **values: object) -> str:
    """One of the chain's sentences; a language it does not speak gets English."""
    return _SENTENCES.get(language, _SENTENCES["en"])[name].format(**values)


def unknown_text(language: str, offers: Sequence[str]) -> str:
    """Says that it is not known, and what may be asked."""
    said = unknown_answer(language)
    return f"{said} {sentence('offers', language, offers='; '.join(offers))}" if offers else said


def rows_text(table: Table, language: str) -> str:
    """Rows in words: one value as a sentence, one column as a list, anything else as a Markdown table."""
    if not table.rows:
        return sentence("none", language)
    if len(table.columns) == 1:
        values = [_cell(row[0], language) for row in table.rows]
        if len(values) == 1:
            return sentence("one", language, value=values[0])
        said = sentence("list", language, values=", ".join(values[:_SHOWN_ROWS]))
    else:
        said = sentence("rows", language, count=len(table.rows)) + "\n\n" + _markdown(table, language)
    cut = table.truncated or len(table.rows) > _SHOWN_ROWS
    return f"{said}\n\n{sentence('more', language)}" if cut else said


def _markdown(table: Table, language: str) -> str:
    lines = [_line(table.columns), _line(["---"] * len(table.columns))]
    lines += [_line([_cell(value, language) for value in row]) for row in table.rows[:_SHOWN_ROWS]]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _cell(value: Cell, language: str) -> str:
    return sentence("nothing", language) if value is None else str(value)
