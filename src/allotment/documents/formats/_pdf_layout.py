"""Rows of all pages → headings, paragraphs, lists, tables and code."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from allotment.documents.formats._pdf_rows import Row
from allotment.documents.formats._pdf_words import SOFT_HYPHEN
from allotment.documents.formats._writer import Item, Writer

_REPEATS = 3
_BULLET = re.compile(r"[•●▪■◦○‣⁃∙·\uf0b7\uf0a7\uf0d8–-]\s+(?=\S)")
_NUMBERED = re.compile(r"(\d{1,3})[.)]\s+(?=\S)")
_ITEM = re.compile(rf"(?:{_BULLET.pattern}|{_NUMBERED.pattern})")
_LEADERS = re.compile(r"(?:\s?\.){5,}")
_HEADING_RATIO = 1.12
_MAX_HEADING = 200
_PARAGRAPH_GAP = 1.35
"""Of the usual distance of lines."""


@dataclass
class Layout:
    """What the whole document has in common."""

    body: float
    """Type size of most letters."""
    leading: float
    """Usual distance of lines, in type sizes."""
    levels: dict[float, int]
    """Type sizes of headings → level."""
    words: frozenset[str]
    """Words of the document that are not broken at a line's end."""


@dataclass
class _Open:
    """The paragraph, list or code whose rows are collected."""

    kind: str = ""
    rows: list[Row] = field(default_factory=list)


def layout_of(pages: Sequence[list[Row]]) -> Layout:
    """Body size, distance of lines and heading sizes, by the letters that have them."""
    sizes: Counter[float] = Counter()
    gaps: Counter[float] = Counter()
    words: set[str] = set()
    for rows in pages:
        for before, row in zip([None, *rows], rows, strict=False):
            sizes[row.size] += len(row.text)
            words.update(word.strip(".,;:!?()") for word in row.text.casefold().split())
            if (
                before is not None
                and row.size
                and before.size == row.size
                and 0 < before.base - row.base < 3 * row.size
            ):
                gaps[round((before.base - row.base) / row.size, 1)] += 1
    sizes.pop(0.0, None)
    body = sizes.most_common(1)[0][0] if sizes else 10.0
    larger = sorted((size for size in sizes if size >= body * _HEADING_RATIO), reverse=True)
    levels = {size: min(level, 5) for level, size in enumerate(larger, start=1)}
    return Layout(body, gaps.most_common(1)[0][0] if gaps else 1.2, levels, frozenset(words))


class PageWriter:
    """Writes rows in order, page after page."""

    def __init__(self, writer: Writer, layout: Layout) -> None:
        self._writer = writer
        self._layout = layout
        self._open = _Open()

    def page(self, rows: Sequence[Row], number: int) -> None:
        """One page."""
        self._writer.mark("page", number)
        index = 0
        while index < len(rows):
            aligned = _aligned(rows, index)
            if aligned:
                self.flush()
                self._writer.table(aligned)
                index += len(aligned)
                continue
            self._row(rows[index])
            index += 1
        self.flush()

    def _row(self, row: Row) -> None:
        if row.table:
            self.flush()
            self._writer.table(row.table)
            return
        kind = self._kind(row)
        last = self._open.rows[-1] if self._open.rows else None
        if last is None or kind != self._open.kind or self._parted(last, row):
            self.flush()
            self._open.kind = kind
        self._open.rows.append(row)

    def _kind(self, row: Row) -> str:
        if row.size in self._layout.levels and len(row.text) <= _MAX_HEADING and _has_letter(row):
            return f"heading {row.size}"
        if row.mono:
            return "code"
        if (
            row.bold
            and _has_letter(row)
            and row.size >= self._layout.body
            and len(row.text) <= 100
            and row.text[-1:] not in ".,;:"
        ):
            return "bold"
        if _ITEM.match(row.text):
            return "list"
        if self._open.kind == "list" and row.left > self._open.rows[0].left + row.size * 0.4:
            return "list"
        return "prose"

    def _parted(self, last: Row, row: Row) -> bool:
        """Whether a new paragraph begins with this row."""
        usual = self._layout.leading * max(last.size, row.size)
        down = last.base - row.base
        if self._open.kind == "code":
            return down < 0 or down > 4 * usual
        if down < 0:
            return not row.text[:1].islower()
        if self._open.kind.startswith("heading"):
            return down > 1.8 * usual
        if down > usual * _PARAGRAPH_GAP:
            return self._open.kind != "list" or down > 2.2 * usual
        return self._open.kind == "prose" and row.left > last.left + row.size * 0.8 and len(self._open.rows) > 1

    def flush(self) -> None:
        """Write what is open."""
        rows, kind = self._open.rows, self._open.kind
        self._open = _Open()
        if not rows:
            return
        if kind == "code":
            self._writer.code(_code(rows, self._layout.leading))
        elif kind == "list":
            self._writer.items(self._items(rows))
        elif kind.startswith("heading"):
            self._writer.heading(self._layout.levels[rows[0].size], self._joined(rows))
        elif kind == "bold" and len(rows) <= 2:
            self._writer.heading(min(6, max(self._layout.levels.values(), default=0) + 1), self._joined(rows))
        else:
            self._writer.prose(self._joined(rows))

    def _items(self, rows: list[Row]) -> list[Item]:
        lefts = sorted({round(row.left / 6) for row in rows if _ITEM.match(row.text)})
        runs: list[list[Row]] = []
        for row in rows:
            if _ITEM.match(row.text) or not runs:
                runs.append([])
            runs[-1].append(row)
        return [self._item(run, lefts) for run in runs]

    def _item(self, rows: list[Row], lefts: list[int]) -> Item:
        text = self._joined(rows)
        place = round(rows[0].left / 6)
        depth = lefts.index(place) if place in lefts else 0
        numbered = _NUMBERED.match(text)
        if numbered:
            return Item(text[numbered.end() :], depth, int(numbered.group(1)))
        return Item(_BULLET.sub("", text, count=1), depth)

    def _joined(self, rows: Sequence[Row]) -> str:
        """The rows as one line; words broken at a line's end are whole again."""
        text = ""
        for row in rows:
            words = _LEADERS.sub(" … ", row.text).strip()
            if text.endswith((SOFT_HYPHEN, "-")) and words[:1].islower():
                text = text[:-1] + self._hyphen(text, words) + words
            else:
                text = f"{text} {words}" if text else words
        return text.replace(SOFT_HYPHEN, "-")

    def _hyphen(self, before: str, after: str) -> str:
        first, second = re.split(r"\W+", before[:-1])[-1].casefold(), re.split(r"\W+", after)[0].casefold()
        return "-" if f"{first}-{second}" in self._layout.words and first + second not in self._layout.words else ""


def _has_letter(row: Row) -> bool:
    return any(char.isalpha() for char in row.text)


def _code(rows: Sequence[Row], leading: float) -> str:
    """Lines of code at their indentation."""
    left = min(row.left for row in rows)
    lines: list[str] = []
    last: Row | None = None
    for row in rows:
        if last is not None and last.base - row.base > 1.6 * leading * row.size:
            lines.append("")
        lines.append(_spaced(row, left))
        last = row
    return "\n".join(lines)


def _spaced(row: Row, left: float) -> str:
    text, width = "", row.size * 0.6
    for segment in row.segments:
        column = round((segment.left - left) / width)
        text = text.ljust(column) if len(text) < column or not text else f"{text} "
        text += segment.text
    return text.replace(SOFT_HYPHEN, "-")


def _aligned(rows: Sequence[Row], start: int) -> list[list[str]]:
    """Three or more rows from ``start`` on whose segments stand in the same columns."""
    run: list[Row] = []
    for row in rows[start:]:
        if not _has_columns(row) or (run and not _same_columns(run[0], row)):
            break
        run.append(row)
    return [[segment.text for segment in row.segments] for row in run] if len(run) >= _REPEATS else []


def _has_columns(row: Row) -> bool:
    """Whether a row could be one of a table: a bullet or a number before a text is none."""
    if row.table or row.mono or len(row.segments) < 2:
        return False
    return not _ITEM.match(f"{row.segments[0].text} x") or len(row.segments) > 2


def _same_columns(first: Row, row: Row) -> bool:
    if len(first.segments) != len(row.segments):
        return False
    pairs = zip(first.segments, row.segments, strict=True)
    return all(one.left < other.right + 2 and other.left < one.right + 2 for one, other in pairs)
