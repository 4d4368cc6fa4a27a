"""PDF: PDFium gives words and lines with their places, and the structure is told from these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pypdfium2 as pdfium
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

from allotment.documents._blocks import Extracted
from allotment.documents.formats._package import readers_in_keywords
from allotment.documents.formats._pdf_furniture import without_furniture
from allotment.documents.formats._pdf_layout import PageWriter, layout_of
from allotment.documents.formats._pdf_rows import Row, page_rows
from allotment.documents.formats._pdf_tables import grids
from allotment.documents.formats._pdf_words import Word, page_rules, page_words
from allotment.documents.formats._writer import Writer
from allotment.errors import DocumentError

_MAX_PAGES = 5000
_PASSWORD = 4
_OCR = "add a text layer with an OCR tool such as ocrmypdf"
_UNKNOWN = 0.2
"""Share of letters without a Unicode meaning above which a PDF says nothing."""


def extract_pdf(raw: bytes) -> Extracted:
    """A PDF with a text layer; pages that have none are noted.

    Raises:
        DocumentError: damaged, protected by a password, without text, or its letters have no known meaning.
    """
    document = _open(raw)
    try:
        if len(document) > _MAX_PAGES:
            raise DocumentError(f"has more than {_MAX_PAGES:,} pages; split it")
        readers = _readers(document)
        writer = Writer()
        pages = without_furniture(_pages(document, writer))
    finally:
        document.close()
    pen = PageWriter(writer, layout_of(pages))
    for number, rows in enumerate(pages, start=1):
        pen.page(rows, number)
    return writer.extracted(readers)


def readers_of_pdf(raw: bytes) -> frozenset[str] | None:
    """The readers that a PDF's keywords name.

    Raises:
        DocumentError: damaged, protected by a password, or its keywords name readers in another way.
    """
    document = _open(raw)
    try:
        return _readers(document)
    finally:
        document.close()


def _readers(document: pdfium.PdfDocument) -> frozenset[str] | None:
    return readers_in_keywords(document.get_metadata_value("Keywords") or "")


def _open(raw: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(raw)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD or "password" in str(error).casefold():
            raise DocumentError("is protected by a password; save it without") from error
        raise DocumentError("is damaged or cut off: its pages cannot be found; get the file again") from error


def _pages(document: pdfium.PdfDocument, writer: Writer) -> list[list[Row]]:
    pages: list[list[Row]] = []
    empty: list[int] = []
    letters = unknown = 0
    for index in range(len(document)):
        words, rows, pictured = _page(document, index)
        letters += sum(len(word.text) for word in words)
        unknown += sum(_unknown(word) for word in words)
        if not words and pictured:
            empty.append(index + 1)
        pages.append(rows)
    if not letters:
        raise DocumentError(f"has no text: its {len(pages)} pages are pictures, as a scanner makes them; {_OCR}")
    if unknown > letters * _UNKNOWN:
        raise DocumentError(f"has fonts whose letters have no known meaning; print it to a new PDF, or {_OCR}")
    if empty:
        writer.note(f"{_listed(empty)} no text, only pictures; {_OCR}")
    return pages


def _page(document: pdfium.PdfDocument, index: int) -> tuple[list[Word], list[Row], bool]:
    """The page's words and rows, and whether there is a picture on it."""
    page: Any = document[index]
    textpage = page.get_textpage()
    try:
        words = page_words(textpage)
        pictured = any(True for _ in page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE], max_depth=3))
        return words, page_rows(words, grids(page_rules(page))), pictured
    finally:
        textpage.close()
        page.close()


def _unknown(word: Word) -> int:
    return sum(char == "\ufffd" or "\ue000" <= char <= "\uf8ff" for char in word.text)


def _listed(pages: Sequence[int]) -> str:
    shown = ", ".join(str(page) for page in pages[:20]) + (", …" if len(pages) > 20 else "")
    return f"page {shown} has" if len(pages) == 1 else f"pages {shown} have"
