"""The same documents as files of every format, from Markdown pages, with what must be found in them again."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
from docx.enum.style import WD_STYLE_TYPE
from fpdf import FPDF
from markdown_it import MarkdownIt

from allotment.documents._extract import extract

_WORD = re.compile(r"\w+")
_MARKUP = re.compile(r"[*_`]|\]\([^)]*\)|[\[\]]|\{[a-z:]+\}")
_PARAGRAPHS_PER_SLIDE = 4


@dataclass
class Source:
    """One document: its parts in order, as ``(kind, level or rows, text)``."""

    name: str
    parts: list[tuple[str, Any, str]] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        """Its headings."""
        return [text for kind, _, text in self.parts if kind == "heading"]

    @property
    def rows(self) -> list[list[str]]:
        """Rows of its tables."""
        return [row for kind, rows, _ in self.parts if kind == "table" for row in rows]

    @property
    def words(self) -> Counter[str]:
        """How often each word stands in it."""
        text = " ".join(text for _, _, text in self.parts) + " " + " ".join(" ".join(row) for row in self.rows)
        return Counter(_WORD.findall(text.casefold()))


def sources(folder: Path) -> list[Source]:
    """Documents made of the Markdown pages of a folder; each gets a table of its headings, for the pages have few."""
    found: list[Source] = []
    for path in sorted(folder.rglob("*.md")):
        source = Source(path.relative_to(folder).as_posix().removesuffix(".md").replace("/", "-"))
        document = extract(".md", path.read_bytes())
        for block in document.blocks:
            text = document.text[block.start : block.end]
            if block.kind == "heading":
                source.parts.append(("heading", block.level, _plain(block.title)))
            elif block.kind == "code":
                source.parts.append(
                    ("code", None, re.sub(r"^\s*(```|~~~).*\n?", "", text, flags=re.MULTILINE).rstrip())
                )
            elif not text.startswith(("<", ":::")):
                source.parts.append(("prose", None, _plain(text)))
        rows = [["Heading", "Level", "Letters"]]
        rows += [[text, str(level), str(len(text))] for kind, level, text in source.parts if kind == "heading"]
        source.parts.append(("table", rows, ""))
        found.append(source)
    return [source for source in found if len(source.titles) > 1]


def _plain(text: str) -> str:
    """Words that every format and font can hold."""
    return " ".join(_MARKUP.sub("", text).encode("latin-1", "ignore").decode("latin-1").split())


def as_markdown(source: Source) -> bytes:
    """A Markdown file."""
    return "\n\n".join(_markdown(*part) for part in source.parts).encode()


def _markdown(kind: str, detail: Any, text: str) -> str:
    if kind == "heading":
        return f"{'#' * detail} {text}"
    if kind == "code":
        return f"```\n{text}\n```"
    if kind == "table":
        head, *rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in detail]
        return "\n".join([head, "|" + "---|" * len(detail[0]), *rows])
    return text


def as_html(source: Source) -> bytes:
    """A page."""
    body = MarkdownIt("commonmark").enable("table").render(as_markdown(source).decode())
    head = f"<!doctype html><html><head><meta charset=utf-8><title>{source.name}</title><style>p {{}}</style></head>"
    return f"{head}<body><nav><a href=/>Home</a></nav><main>{body}</main></body></html>".encode()


def as_docx(source: Source) -> bytes:
    """A Word document."""
    document = docx.Document()
    document.styles.add_style("Source Code", WD_STYLE_TYPE.PARAGRAPH)
    for kind, detail, text in source.parts:
        if kind == "heading":
            document.add_heading(text, detail)
        elif kind == "table":
            table = document.add_table(rows=len(detail), cols=len(detail[0]))
            for cells, row in zip(table.rows, detail, strict=True):
                for cell, words in zip(cells.cells, row, strict=True):
                    cell.text = words
        else:
            document.add_paragraph(text, style="Source Code" if kind == "code" else None)
    return _saved(document)


def as_pptx(source: Source) -> bytes:
    """A presentation: a slide for each heading."""
    deck = pptx.Presentation()
    slide: Any = None
    for kind, detail, text in source.parts:
        if kind == "heading" or slide is None:
            slide = deck.slides.add_slide(deck.slide_layouts[5])
            slide.shapes.title.text = text if kind == "heading" else source.name
        elif kind == "table":
            table = slide.shapes.add_table(len(detail), len(detail[0]), 0, 0, 5_000_000, 3_000_000).table
            for y, row in enumerate(detail):
                for x, words in enumerate(row):
                    table.cell(y, x).text = words
        else:
            slide.shapes.add_textbox(0, 0, 5_000_000, 1_000_000).text_frame.text = text
    return _saved(deck)


def as_xlsx(source: Source) -> bytes:
    """A workbook: the paragraphs with their kind, a row each."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Text")
    for kind, detail, text in source.parts:
        for row in detail if kind == "table" else [[kind, text]]:
            sheet.append(row)
    return _saved(book)


def as_csv(source: Source) -> bytes:
    """The same rows, with semicolons."""
    rows = [row for kind, detail, text in source.parts for row in (detail if kind == "table" else [[kind, text, ""]])]
    return "\n".join(";".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows).encode()


def as_pdf(source: Source) -> bytes:
    """A PDF."""
    page = FPDF()
    page.add_page()
    for kind, detail, text in source.parts:
        if kind == "heading":
            page.set_font("helvetica", "B", 24 - 3 * min(detail, 3))
            page.multi_cell(0, 10, text, new_x="LMARGIN", new_y="NEXT")
        elif kind == "table":
            page.set_font("helvetica", size=10)
            with page.table() as table:
                for row in detail:
                    table.row(row)
        else:
            page.set_font("courier" if kind == "code" else "helvetica", size=8 if kind == "code" else 10)
            words = text.encode("latin-1", "ignore").decode("latin-1")
            page.multi_cell(0, 5, words, align="L", new_x="LMARGIN", new_y="NEXT")
        page.ln(3)
    return bytes(page.output())


def _saved(document: Any) -> bytes:
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


MAKERS: dict[str, Callable[[Source], bytes]] = {
    ".md": as_markdown,
    ".html": as_html,
    ".docx": as_docx,
    ".pptx": as_pptx,
    ".xlsx": as_xlsx,
    ".csv": as_csv,
    ".pdf": as_pdf,
}


def kept(source: Source, suffix: str, text: str) -> tuple[int, int, int]:
    """Headings that are headings again, table rows that are rows again, words that are there again."""
    lines = [" ".join(line.replace("\\", "").split()) for line in text.split("\n")]
    headings = Counter(line.lstrip("# ").replace("*", "") for line in lines if line.startswith("#"))
    rows = Counter(tuple(_cells(line)) for line in lines if line.startswith("|"))
    words = Counter(_WORD.findall(text.casefold()))
    titles = 0 if suffix in (".xlsx", ".csv") else sum((headings & Counter(source.titles)).values())
    found = sum((rows & Counter(tuple(row) for row in source.rows)).values())
    return titles, found, sum((words & source.words).values())


def _cells(line: str) -> Iterator[str]:
    """Cells of a row; empty ones at its end do not count."""
    cells = [cell.strip().replace("*", "") for cell in line.strip().strip("|").split("|")]
    while cells and cells[-1] in ("", "NaN"):
        cells.pop()
    yield from cells
