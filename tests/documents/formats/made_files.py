"""Small files of every format, made by the libraries that write them, and what must hold for all that is extracted."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import docx
import openpyxl
import pptx
from fpdf import FPDF

from allotment.documents._blocks import Extracted

WORDS = "The ferry leaves the north pier early and nobody waits for late guests."


def saved(document: Any) -> bytes:
    """The bytes of a document of python-docx, python-pptx or openpyxl."""
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def word(build: Callable[[Any], None]) -> bytes:
    """A Word document."""
    document = docx.Document()
    build(document)
    return saved(document)


def slides(build: Callable[[Any], None]) -> bytes:
    """A presentation."""
    presentation = pptx.Presentation()
    build(presentation)
    return saved(presentation)


def workbook(build: Callable[[Any], None]) -> bytes:
    """A workbook, handed over with its first sheet active."""
    book = openpyxl.Workbook()
    build(book)
    return saved(book)


def pdf(build: Callable[[FPDF], None], **options: Any) -> bytes:
    """A PDF whose first page is open."""
    document = FPDF(**options)
    document.set_font("helvetica", size=11)
    document.add_page()
    build(document)
    return bytes(document.output())


def archive(entries: Sequence[tuple[str, bytes]]) -> bytes:
    """A ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in entries:
            target.writestr(name, content)
    return buffer.getvalue()


def with_part(raw: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """An office file with one of its parts changed, or added where it has none of this name."""
    with zipfile.ZipFile(io.BytesIO(raw)) as source:
        entries = {entry: source.read(entry) for entry in source.namelist()}
    entries[name] = change(entries.get(name, b""))
    return archive(list(entries.items()))


def plain_word() -> bytes:
    """A Word document with a heading, a paragraph, a list and a table."""

    def build(document: Any) -> None:
        document.add_heading("Timetable", 1)
        document.add_paragraph(WORDS)
        document.add_paragraph("one", style="List Bullet")
        table = document.add_table(rows=2, cols=2)
        for index, text in enumerate(["Pier", "Hour", "north", "six"]):
            table.cell(index // 2, index % 2).text = text

    return word(build)


def plain_slides() -> bytes:
    """A presentation of one slide."""

    def build(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = "Timetable"
        slide.placeholders[1].text = WORDS

    return slides(build)


def plain_workbook() -> bytes:
    """A workbook of one small sheet."""

    def build(book: Any) -> None:
        book.active.append(["Pier", "Hour"])
        book.active.append(["north", 6])

    return workbook(build)


def plain_pdf() -> bytes:
    """A PDF of one page."""
    return pdf(lambda page: page.multi_cell(0, 6, WORDS))


def check_structure(document: Extracted) -> None:
    """Spans lie in the text, blocks are in order and apart, pieces are in order inside their block, marks ascend."""
    size, end = len(document.text), 0
    document.text.encode("utf-8")
    assert "\0" not in document.text and "\r" not in document.text
    for block in document.blocks:
        assert end <= block.start < block.end <= size
        assert document.text[block.start : block.end].strip()
        inner = block.start
        for start, stop in block.pieces:
            assert inner <= start < stop <= block.end
            inner = stop
        if block.kind == "heading":
            assert 1 <= block.level <= 6
        if block.kind == "table":
            assert document.text[block.start :].startswith(block.header)
        end = block.end
    starts = [mark.start for mark in document.marks]
    assert starts == sorted(set(starts)) and all(0 <= start < max(size, 1) for start in starts)
