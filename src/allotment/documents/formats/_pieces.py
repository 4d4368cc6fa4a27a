"""Where a long block may be cut: between the rows of a table, the items of a list, the paragraphs of code."""

from __future__ import annotations

from allotment.documents._sentences import sentence_spans

Span = tuple[int, int]

_LONG_ITEM = 800
"""Characters; a longer item is cut between its sentences."""
_LONG_RUN = 40
"""Lines; a longer run of code without an empty line is cut all the same."""


def sentences(text: str, start: int, end: int) -> list[Span]:
    """Spans of the sentences between ``start`` and ``end``."""
    return [(start + a, start + b) for a, b in sentence_spans(text[start:end])]


def item_pieces(text: str, start: int, end: int) -> list[Span]:
    """A list item, whole if it is short."""
    return [(start, end)] if end - start <= _LONG_ITEM else sentences(text, start, end)


def code_pieces(text: str, start: int, end: int) -> list[Span]:
    """Runs of code lines: up to an empty line, or 40 lines."""
    found: list[Span] = []
    first = last = start
    count = 0
    for left, right in _lines(text, start, end):
        blank = not text[left:right].strip()
        if count and (blank or count >= _LONG_RUN):
            found.append((first, last))
            count = 0
        if not blank:
            first = left if not count else first
            last = right
            count += 1
    return [*found, (first, last)] if count else found


def row_pieces(text: str, start: int, end: int, header_lines: int) -> list[Span]:
    """Rows of a table, one a line; the first piece has the header rows too."""
    rows = [(left, right) for left, right in _lines(text, start, end) if text[left:right].strip()]
    if len(rows) <= header_lines:
        return [(start, end)] if rows else []
    return [(start, rows[header_lines][1]), *rows[header_lines + 1 :]]


def _lines(text: str, start: int, end: int) -> list[Span]:
    found: list[Span] = []
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        found.append((start, stop))
        start = stop + 1
    return found
