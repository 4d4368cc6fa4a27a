"""What a page's tags mean, met one after the other from its first to its last."""

from __future__ import annotations

import re
from collections.abc import Mapping

from allotment.documents.formats._html_table import TableRows
from allotment.documents.formats._html_tags import HEADINGS, INLINE, PARTS, first_number, is_left_out, language_of
from allotment.documents.formats._writer import Item, Writer

_GAP = re.compile(r"[ \t\n\r\f\u00a0]+")
_BREAK = "\v"
_AROUND_BREAK = re.compile(f" ?{_BREAK} ?")


class PageEvents:
    """A target of lxml's parser that writes what a reader of the page would see."""

    def __init__(self, writer: Writer, titled: bool) -> None:
        """``titled``: the page's title becomes its first heading."""
        self.readers: list[str] = []
        """Contents of ``<meta name="readers">``, as met."""
        self._writer = writer
        self._titled = titled
        self._words: list[str] = []
        self._skipped = 0
        """How many tags are open inside what is left out, its own included."""
        self._parts = 0
        self._heading = 0
        self._code: str | None = None
        """The language of the code that is open (empty: unknown)."""
        self._languages: list[tuple[str, str]] = []
        self._lists: list[int] = []
        """For each open list the number of its next item; 0 for bullets."""
        self._items: list[Item] = []
        self._item_open = False
        self._tables: list[TableRows | None] = []
        """Open tables; none for one that only arranges the page."""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """A tag opens."""
        if tag == "meta" and (attributes.get("name") or "").strip().casefold() == "readers":
            self.readers.append(attributes.get("content") or "")
        if self._skipped or is_left_out(tag, attributes, inside=self._parts > 0):
            self._skipped += 1
        elif tag == "br":
            self._words.append("\n" if self._code is not None else _BREAK)
        elif tag not in INLINE:
            self._open(tag, attributes)
        elif tag == "code" and self._code == "":
            self._code = language_of(attributes)

    def end(self, tag: str) -> None:
        """A tag closes."""
        if self._skipped:
            self._skipped -= 1
        elif tag not in INLINE and tag != "br":
            self._close(tag)

    def data(self, text: str) -> None:
        """Text between tags."""
        if not self._skipped:
            self._words.append(text)

    def comment(self, text: str) -> None:
        """Comments are no text."""

    def close(self) -> None:
        """The page ends, with whatever is still open."""
        self._flush()
        while self._tables:
            self._end_table()
        self._flush_items()

    def _open(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in ("td", "th"):
            self._open_cell(attributes)
            return
        if tag in ("table", "pre", "h1", "h2", "h3") and self._in_cell():
            self._arranges()
        self._flush()
        if tag in HEADINGS:
            self._heading = HEADINGS[tag]
        elif tag == "pre":
            self._code = language_of(attributes) or (self._languages[-1][1] if self._languages else "")
        elif tag == "table":
            self._tables.append(TableRows())
        elif tag == "tr" and self._tables and self._tables[-1]:
            self._tables[-1].row()
        else:
            self._open_part(tag, attributes)

    def _open_part(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag in ("ul", "ol"):
            self._lists.append(first_number(attributes) if tag == "ol" else 0)
        elif tag == "li":
            self._item_open = False
        elif tag == "div":
            self._languages.append((tag, language_of(attributes)))
        self._parts += tag in PARTS

    def _open_cell(self, attributes: Mapping[str, str]) -> None:
        table = self._tables[-1] if self._tables else None
        if table is None:
            self._flush()
            return
        self._end_cell()
        self._words.clear()
        table.cell(attributes)

    def _close(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._end_cell()
        elif tag == "pre" and self._code is not None:
            self._writer_after_items().code("".join(self._words), self._code)
            self._words.clear()
            self._code = None
        elif tag in HEADINGS and self._heading:
            self._flush()
            self._heading = 0
        elif tag == "title":
            self._end_title()
        else:
            self._flush()
            self._close_part(tag)

    def _close_part(self, tag: str) -> None:
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
            if not self._lists:
                self._flush_items()
        elif tag == "li":
            self._item_open = False
        elif tag == "table" and self._tables:
            self._end_table()
        elif tag == "tr" and self._tables and self._tables[-1]:
            self._end_cell()
            self._tables[-1].end_row()
        elif tag == "div" and self._languages:
            self._languages.pop()
        self._parts -= tag in PARTS and self._parts > 0

    def _end_title(self) -> None:
        if self._titled:
            self._writer.heading(1, "".join(self._words))
            self._titled = False
        self._words.clear()

    def _in_cell(self) -> bool:
        return bool(self._tables and self._tables[-1] and self._tables[-1].cell_open)

    def _end_cell(self) -> None:
        table = self._tables[-1] if self._tables else None
        if table is None:
            self._flush()
        elif table.cell_open:
            table.text(self._taken().replace("\n", " "))

    def _arranges(self) -> None:
        """The innermost table holds headings, code or tables: it only arranges the page, so its cells stand alone."""
        table = self._tables[-1]
        self._tables[-1] = None
        if table is not None:
            self._write_table(table.rows)

    def _end_table(self) -> None:
        self._end_cell()
        table = self._tables.pop()
        if table is not None:
            self._write_table(table.rows)

    def _write_table(self, rows: list[list[str]]) -> None:
        if max((len(row) for row in rows), default=0) > 1:
            self._writer_after_items().table(rows)
            return
        for row in rows:
            self._writer_after_items().prose(" ".join(row))

    def _flush(self) -> None:
        """Write the words collected so far where they belong; in a cell they go on."""
        if self._code is not None:
            return
        if self._in_cell():
            self._words.append(" ")
            return
        words = self._taken()
        if not words:
            return
        if self._heading:
            self._writer_after_items().heading(self._heading, words.removesuffix("¶"))
        elif self._lists:
            self._add_to_item(words)
        else:
            self._writer_after_items().prose(words)

    def _add_to_item(self, words: str) -> None:
        if self._item_open and self._items:
            last = self._items[-1]
            self._items[-1] = Item(f"{last.text}\n{words}", last.depth, last.number)
            return
        number = self._lists[-1]
        self._items.append(Item(words, len(self._lists) - 1, number))
        self._lists[-1] += number > 0
        self._item_open = True

    def _taken(self) -> str:
        words = _AROUND_BREAK.sub("\n", _GAP.sub(" ", "".join(self._words))).strip()
        self._words.clear()
        return words

    def _writer_after_items(self) -> Writer:
        self._flush_items()
        return self._writer

    def _flush_items(self) -> None:
        self._writer.items(self._items)
        self._items.clear()
        self._item_open = False
