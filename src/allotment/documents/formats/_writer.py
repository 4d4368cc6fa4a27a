"""Writes the extracted text of formats that are not Markdown themselves, block by block, as Markdown.

The blocks are kept while they are written, so that their spans are exact whatever the words look like: a paragraph that
begins with ``#`` stays a paragraph, and nothing needs a backslash that would then stand in a quotation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from allotment.documents._blocks import Block, Extracted, Mark, Unit
from allotment.documents.formats._clean import clean, one_line
from allotment.documents.formats._pieces import code_pieces, item_pieces, row_pieces, sentences
from allotment.errors import DocumentError

MAX_CELLS = 2_000_000
"""Of one table, counted as its rows times its longest row."""
_TICKS = re.compile(r"`{3,}")
_EMPTY_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")


@dataclass(frozen=True)
class Item:
    """One item of a list; ``depth`` 0 is the outermost, ``number`` 0 means a bullet."""

    text: str
    depth: int = 0
    number: int = 0


class Writer:
    """Collects an extracted text and its structure."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._blocks: list[Block] = []
        self._marks: list[Mark] = []
        self._place: tuple[Unit, int] | None = None
        self._notes: list[str] = []
        self._end = 0

    def mark(self, unit: Unit, number: int) -> None:
        """What follows comes from this page, slide, sheet or part."""
        self._place = (unit, number)

    def note(self, text: str) -> None:
        """Something left out that the reader of the result should know."""
        self._notes.append(text)

    def heading(self, level: int, title: str) -> None:
        """A heading of level 1 to 6; nothing if it has no words."""
        words = one_line(title)
        if words:
            level = max(1, min(6, level))
            start, end = self._put(f"{'#' * level} {words}")
            self._blocks.append(Block("heading", start, end, level=level, title=words))

    def prose(self, text: str) -> None:
        """A paragraph; single line breaks are kept, empty lines are not."""
        words = _EMPTY_LINES.sub("\n", clean(text)).strip()
        if words:
            start, end = self._put(words)
            self._blocks.append(Block("prose", start, end, tuple(self._shift(sentences(words, 0, len(words)), start))))

    def items(self, items: Sequence[Item]) -> None:
        """A list."""
        lines = [_item(item) for item in items if item.text.strip()]
        if lines:
            text = "\n".join(lines)
            start, end = self._put(text)
            edges = [0, *(i + 1 for i in _ends(lines))]
            spans = [span for left, line in zip(edges, lines, strict=False) for span in _of(text, left, line)]
            self._blocks.append(Block("list", start, end, tuple(self._shift(spans, start))))

    def code(self, text: str, language: str = "") -> None:
        """Code, fenced by more backticks than it has in a row."""
        source = clean(text).strip("\n").rstrip()
        if source.strip():
            fence = "`" * max([3, *(len(run) + 1 for run in _TICKS.findall(source))])
            written = f"{fence}{language if language.isalnum() else ''}\n{source}\n{fence}"
            start, end = self._put(written)
            pieces = self._shift(code_pieces(written, 0, len(written)), start)
            self._blocks.append(Block("code", start, end, tuple(pieces)))

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """A table whose first row is its header; empty rows and columns are left out.

        Raises:
            DocumentError: more cells than a document may have, be it by one row that is very long.
        """
        if len(rows) * max((len(row) for row in rows), default=0) > MAX_CELLS:
            raise DocumentError(f"has a table of more than {MAX_CELLS:,} cells; split it")
        kept = _full([[one_line(cell) for cell in row] for row in rows])
        if not kept:
            return
        lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in kept]
        lines.insert(1, "|" + " --- |" * len(kept[0]))
        text = "\n".join(lines)
        start, end = self._put(text)
        pieces = self._shift(row_pieces(text, 0, len(text), 2), start)
        self._blocks.append(Block("table", start, end, tuple(pieces), header="\n".join(lines[:2])))

    def extracted(self, readers: frozenset[str] | None = None) -> Extracted:
        """What was written."""
        return Extracted("".join(self._parts), tuple(self._blocks), readers, tuple(self._marks), tuple(self._notes))

    def _put(self, text: str) -> tuple[int, int]:
        if self._parts:
            self._parts.append("\n\n")
            self._end += 2
        start = self._end
        if self._place is not None:
            self._marks.append(Mark(start, *self._place))
            self._place = None
        self._parts.append(text)
        self._end += len(text)
        return start, self._end

    @staticmethod
    def _shift(spans: Sequence[tuple[int, int]], start: int) -> list[tuple[int, int]]:
        return [(a + start, b + start) for a, b in spans if a < b]


def _item(item: Item) -> str:
    bullet = f"{item.number}. " if item.number else "- "
    margin = "  " * min(item.depth, 8)
    words = _EMPTY_LINES.sub("\n", clean(item.text)).strip()
    return margin + bullet + words.replace("\n", "\n" + margin + " " * len(bullet))


def _ends(lines: Sequence[str]) -> list[int]:
    found, at = [], 0
    for line in lines:
        at += len(line)
        found.append(at)
        at += 1
    return found


def _of(text: str, left: int, line: str) -> list[tuple[int, int]]:
    margin = len(line) - len(line.lstrip(" "))
    return item_pieces(text, left + margin, left + len(line))


def _full(rows: list[list[str]]) -> list[list[str]]:
    """The rows at equal width, without the empty ones and without columns that are empty in all."""
    width = max((len(row) for row in rows), default=0)
    padded = [row + [""] * (width - len(row)) for row in rows if any(row)]
    columns = [n for n in range(width) if any(row[n] for row in padded)]
    return [[row[n] for n in columns] for row in padded]
