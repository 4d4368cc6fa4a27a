"""Excel workbooks: a table for each sheet, its values as the sheet shows them.

What the author hid (sheets, rows, columns) is left out: whoever hid it did not mean it for every reader.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from allotment.documents._blocks import Extracted
from allotment.documents.formats._numbers import shown
from allotment.documents.formats._package import check_package
from allotment.documents.formats._writer import MAX_CELLS, Writer
from allotment.errors import DocumentError

_MAX_STORED = 500_000
"""Cells with a value or a format in all sheets; each takes about 300 bytes of memory."""
_CELL = re.compile(rb"<(?:\w+:)?c[ >/]")
_NO_VALUE = re.compile(rb"</(?:\w+:)?f>\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>")


def extract_xlsx(raw: bytes) -> Extracted:
    """A workbook; a formula gives the value it had when the file was saved.

    Raises:
        DocumentError: damaged, protected, a bomb, or too large.
    """
    readers = check_package(raw)
    writer = Writer()
    _check_cells(raw, writer)
    book = load_workbook(BytesIO(raw), data_only=True, keep_links=False)
    for number, sheet in enumerate(book.worksheets, start=1):
        if sheet.sheet_state != "visible":
            writer.note(f"sheet {sheet.title} is hidden and was left out")
            continue
        writer.mark("sheet", number)
        rows = _rows(sheet, writer)
        if any(map(any, rows)):
            writer.heading(1, sheet.title)
            writer.table(rows)
    return writer.extracted(readers)


def _check_cells(raw: bytes, writer: Writer) -> None:
    stored = without_value = 0
    with ZipFile(BytesIO(raw)) as archive:
        for name in archive.namelist():
            if "worksheets/" in name and name.endswith(".xml"):
                part = archive.read(name)
                stored += sum(1 for _ in _CELL.finditer(part))
                without_value += sum(1 for _ in _NO_VALUE.finditer(part))
    if stored > _MAX_STORED:
        raise DocumentError(f"has more than {_MAX_STORED:,} cells; split it, or export its sheets as CSV")
    if without_value:
        writer.note(f"{without_value} formulas have no stored value; open the file and save it again")


def _rows(sheet: Worksheet, writer: Writer) -> list[list[str]]:
    """The sheet's visible cells; a cell merged over several rows stands in each of them."""
    if sheet.max_row * sheet.max_column > MAX_CELLS:
        raise DocumentError(f"sheet {sheet.title} is spread over more than {MAX_CELLS:,} cells; move its data together")
    texts = {(row, column): shown(cell) for (row, column), cell in _stored(sheet).items()}
    for merged in sheet.merged_cells.ranges:
        first = texts.get((merged.min_row, merged.min_col), "")
        if first and merged.max_row - merged.min_row < MAX_CELLS:
            texts.update({(row, merged.min_col): first for row in range(merged.min_row, merged.max_row + 1)})
    hidden_rows = {number for number, size in sheet.row_dimensions.items() if size.hidden}
    hidden_columns = _hidden_columns(sheet)
    if hidden_rows or hidden_columns:
        writer.note(f"sheet {sheet.title} has hidden rows or columns, which were left out")
    columns = [number for number in range(1, sheet.max_column + 1) if number not in hidden_columns]
    rows = [number for number in range(1, sheet.max_row + 1) if number not in hidden_rows]
    return [[texts.get((row, column), "") for column in columns] for row in rows]


def _stored(sheet: Worksheet) -> dict[tuple[int, int], Any]:
    """Cells that the file has; asking the sheet for all of them would make the missing ones."""
    stored: dict[tuple[int, int], Any] = sheet._cells
    return stored


def _hidden_columns(sheet: Worksheet) -> set[int]:
    hidden: set[int] = set()
    for size in sheet.column_dimensions.values():
        if size.hidden:
            hidden.update(range(size.min or 1, (size.max or size.min or 1) + 1))
    return hidden
