"""CSV and TSV: one table. The character between the fields is the one that gives rows of equal length."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator

from allotment.documents._blocks import Extracted
from allotment.documents.formats._encoding import decode
from allotment.documents.formats._writer import Writer
from allotment.errors import DocumentError

_DELIMITERS = ",;\t|"
_SAMPLE_ROWS = 50


def extract_csv(raw: bytes) -> Extracted:
    """The table; its first row is the header.

    Raises:
        DocumentError: of uncertain encoding, or a quotation is never closed.
    """
    text = decode(raw)
    first, _, rest = text.partition("\n")
    named = first.strip().casefold()
    if named.startswith("sep=") and len(named) == 5:
        text, delimiter = rest, first.strip()[4]
    else:
        delimiter = max(_DELIMITERS, key=lambda one: _evenness(text, one))
    writer = Writer()
    writer.table(list(_rows(text, delimiter)))
    return writer.extracted()


def _rows(text: str, delimiter: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(_lines(text), delimiter=delimiter, strict=True)
    except csv.Error as error:
        raise DocumentError(f"is no sound table: {error}; look for a quotation mark that is not closed") from error


def _lines(text: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        end = text.find("\n", start) + 1 or len(text)
        yield text[start:end]
        start = end


def _evenness(text: str, delimiter: str) -> tuple[float, int]:
    """Share of rows of the commonest length, where that is more than one field; then that length."""
    lengths: Counter[int] = Counter()
    try:
        for row in csv.reader(_lines(text), delimiter=delimiter):
            if row:
                lengths[len(row)] += 1
            if lengths.total() == _SAMPLE_ROWS:
                break
    except csv.Error:
        return 0.0, 0
    length, count = lengths.most_common(1)[0] if lengths else (1, 0)
    return (count / lengths.total(), length) if length > 1 else (0.0, 0)
