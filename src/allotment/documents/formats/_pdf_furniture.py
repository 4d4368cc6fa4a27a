"""Running headers, footers and page numbers of a PDF: what stands apart at the edge of page after page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from allotment.documents.formats._pdf_rows import Row

_REPEATS = 3
_EDGE_ROWS = 2
_EDGE_GAP = 1.6
"""In type sizes."""
_DIGITS = re.compile(r"\d+|\b[ivxlc]+\b")
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|strana|str\.?|seite|s\.)?\s*(?:\d{1,4}|[ivxlc]{1,6})(?:\s*(?:/|of|z|ze|von)\s*\d+)?\W*", re.I
)


def without_furniture(pages: Sequence[list[Row]]) -> list[list[Row]]:
    """The pages without what stands at the edge of several at the same place, and without page numbers."""
    seen: Counter[tuple[str, int]] = Counter()
    for rows in pages:
        seen.update({_edge_key(row) for row in _edges(rows)})
    kept: list[list[Row]] = []
    for rows in pages:
        edges = {id(row) for row in _edges(rows) if seen[_edge_key(row)] >= _REPEATS or _is_number(row, pages)}
        kept.append([row for row in rows if id(row) not in edges])
    return kept


def _edges(rows: list[Row]) -> list[Row]:
    """The first and last rows of the page, if a gap parts them from what stands between."""
    ordered = sorted((row for row in rows if not row.table), key=lambda row: row.base)
    return [*_parted_off(ordered), *_parted_off(ordered[::-1])]


def _parted_off(rows: list[Row]) -> list[Row]:
    for count in range(min(_EDGE_ROWS, len(rows) - 1), 0, -1):
        if abs(rows[count].base - rows[count - 1].base) > _EDGE_GAP * max(rows[count].size, rows[count - 1].size):
            return rows[:count]
    return []


def _edge_key(row: Row) -> tuple[str, int]:
    return _DIGITS.sub("#", row.text.casefold()), round(row.base / 4)


def _is_number(row: Row, pages: Sequence[list[Row]]) -> bool:
    return len(pages) > 1 and bool(_PAGE_NUMBER.fullmatch(row.text))
