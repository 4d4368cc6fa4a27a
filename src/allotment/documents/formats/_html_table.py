"""Rows of an HTML table while its cells are met; cells that span rows stand in each of them."""

from __future__ import annotations

from collections.abc import Mapping

_MAX_SPAN = 1000


class TableRows:
    """Collects one table."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.cell_open = False
        self._spans: tuple[int, int] = (1, 1)
        self._below: dict[int, tuple[str, int]] = {}
        """Column → the text of a cell that spans rows, and how many more rows it spans."""

    def row(self) -> None:
        """A row begins."""
        self.rows.append([])

    def cell(self, attributes: Mapping[str, str]) -> None:
        """A cell begins."""
        if not self.rows:
            self.row()
        self._spans = _span(attributes, "colspan"), _span(attributes, "rowspan")
        self.cell_open = True

    def text(self, words: str) -> None:
        """The open cell's words; it ends here."""
        row = self.rows[-1]
        self._fill(row)
        columns, rows = self._spans
        if rows > 1:
            self._below.update({len(row) + n: (words if not n else "", rows - 1) for n in range(columns)})
        row += [words, *[""] * (columns - 1)]
        self.cell_open = False

    def end_row(self) -> None:
        """The row ends: cells from above that reach past its last one are added."""
        if self.rows:
            self._fill(self.rows[-1])

    def _fill(self, row: list[str]) -> None:
        while (above := self._below.get(len(row))) is not None and above[1] > 0:
            self._below[len(row)] = above[0], above[1] - 1
            row.append(above[0])


def _span(attributes: Mapping[str, str], name: str) -> int:
    value = (attributes.get(name) or "").strip()
    return max(1, min(_MAX_SPAN, int(value))) if value.isascii() and value.isdigit() and len(value) < 9 else 1
