"""PDFs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF
from made_files import WORDS, check_structure, pdf

from allotment.documents._blocks import Extracted
from allotment.documents._extract import extract
from allotment.errors import DocumentError

_LINE = "Every guest who comes to the pier before noon finds a free seat on the ferry."


def read(raw: bytes) -> Extracted:
    document = extract(".pdf", raw)
    check_structure(document)
    return document


def paragraph(page: FPDF, text: str = WORDS * 3) -> None:
    page.set_font("helvetica", size=11)
    page.multi_cell(0, 6, text, new_x="LMARGIN", new_y="NEXT")
    page.ln(4)


def heading(page: FPDF, text: str, size: int) -> None:
    page.set_font("helvetica", "B", size)
    page.multi_cell(0, size * 0.6, text, new_x="LMARGIN", new_y="NEXT")
    page.ln(2)


def test_headings_are_told_by_their_size_and_paragraphs_are_whole() -> None:
    def build(page: FPDF) -> None:
        heading(page, "The ferry", 20)
        paragraph(page)
        heading(page, "Its piers", 15)
        paragraph(page)
        paragraph(page, _LINE)

    document = read(pdf(build))
    assert [(block.kind, block.level, block.title) for block in document.blocks] == [
        ("heading", 1, "The ferry"),
        ("prose", 0, ""),
        ("heading", 2, "Its piers"),
        ("prose", 0, ""),
        ("prose", 0, ""),
    ]
    assert document.text.endswith(_LINE)


def test_each_page_is_marked() -> None:
    def build(page: FPDF) -> None:
        for number in range(3):
            paragraph(page, f"Words of the page with the number {'abc'[number]}.")
            if number < 2:
                page.add_page()

    document = read(pdf(build))
    assert [(mark.unit, mark.number) for mark in document.marks] == [("page", 1), ("page", 2), ("page", 3)]
    assert [document.text[mark.start :].split(".")[0][-1] for mark in document.marks] == ["a", "b", "c"]


def test_a_table_with_lines_is_a_table() -> None:
    def build(page: FPDF) -> None:
        paragraph(page)
        with page.table() as table:
            for cells in (("Pier", "Hour", "Boat"), ("north", "six in the morning", "Anna"), ("south", "7", "Eva")):
                row = table.row()
                for cell in cells:
                    row.cell(cell)
        page.ln(10)
        paragraph(page, _LINE)

    document = read(pdf(build))
    assert [block.kind for block in document.blocks] == ["prose", "table", "prose"]
    assert "| north | six in the morning | Anna |\n| south | 7 | Eva |" in document.text


def test_a_table_without_lines_is_told_by_its_columns() -> None:
    def build(page: FPDF) -> None:
        paragraph(page)
        for number, (left, right) in enumerate([("Pier", "Hour"), ("north", "6"), ("south", "7"), ("west", "8")]):
            page.text(20, 80 + number * 7, left)
            page.text(90, 80 + number * 7, right)

    document = read(pdf(build))
    assert document.text.endswith("| Pier | Hour |\n| --- | --- |\n| north | 6 |\n| south | 7 |\n| west | 8 |")


@pytest.mark.parametrize("across", [False, True])
def test_columns_are_read_one_after_the_other_however_they_are_drawn(across: bool) -> None:
    places = [(column, row) for column in range(2) for row in range(12)]
    if across:
        places.sort(key=lambda place: place[1])

    def build(page: FPDF) -> None:
        page.set_font("helvetica", size=9)
        for column, row in places:
            page.text(
                20 + column * 90, 40 + row * 5, f"line {'ab'[column]}{row} of the long text that fills its column"
            )

    text = read(pdf(build)).text
    found = [word for word in text.split() if word[0] in "ab" and word[1:].isdigit()]
    assert found == [f"{'ab'[column]}{row}" for column in range(2) for row in range(12)]


def test_words_broken_at_the_end_of_a_line_are_whole_again() -> None:
    def build(page: FPDF) -> None:
        page.text(20, 40, "The passengers wait at the well-known har-")
        page.text(20, 45, "bour of the town, which is well-")
        page.text(20, 50, "known to all of them.")

    assert read(pdf(build)).text == (
        "The passengers wait at the well-known harbour of the town, which is well-known to all of them."
    )


class _Framed(FPDF):
    def header(self) -> None:
        self.set_font("helvetica", size=9)
        self.text(20, 8, "Company handbook, version 3")

    def footer(self) -> None:
        self.set_y(-10)
        self.cell(0, 5, f"Page {self.page_no()} of 4")


def test_running_headers_footers_and_page_numbers_are_left_out() -> None:
    document = _Framed()
    for _ in range(4):
        document.add_page()
        document.set_y(20)
        paragraph(document)
    text = read(bytes(document.output())).text
    assert "handbook" not in text and "Page" not in text and text.count(WORDS) == 12


def test_pages_that_are_alike_are_not_taken_for_headers() -> None:
    document = FPDF()
    for _ in range(4):
        document.add_page()
        paragraph(document)
    assert read(bytes(document.output())).text.count(WORDS) == 12


def test_code_keeps_its_lines_and_indentation() -> None:
    def build(page: FPDF) -> None:
        paragraph(page)
        page.set_font("courier", size=10)
        for number, line in enumerate(["def f(x):", "    if x:", "        return 1", "    return 2"]):
            page.text(20, 60 + number * 5, line)

    assert read(pdf(build)).text.endswith("```\ndef f(x):\n    if x:\n        return 1\n    return 2\n```")


def test_bullets_and_numbers_make_a_list() -> None:
    def build(page: FPDF) -> None:
        paragraph(page)
        for number, line in enumerate(["- the north pier is", "  open all year", "- the south pier", "1. first"]):
            page.text(20 + 3 * line.startswith("  "), 60 + number * 5, line.strip())

    document = read(pdf(build))
    assert document.text.endswith("- the north pier is open all year\n- the south pier\n1. first")


def test_keywords_name_the_readers() -> None:
    def build(page: FPDF) -> None:
        page.set_keywords("readers: boss")
        paragraph(page)

    assert read(pdf(build)).readers == {"boss"}


def test_a_password_is_named_as_the_reason() -> None:
    def build(page: FPDF) -> None:
        paragraph(page)
        page.set_encryption(owner_password="a", user_password="b")

    with pytest.raises(DocumentError, match="protected by a password; save it without"):
        extract(".pdf", pdf(build))


def scanned(page: Any, folder: Path) -> None:
    from PIL import Image

    Image.new("L", (60, 60), 200).save(folder / "scan.png")
    page.image(str(folder / "scan.png"), 20, 20, 100)


def test_a_scanned_pdf_is_refused_with_what_would_help(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"has no text: its 1 pages are pictures.*ocrmypdf"):
        extract(".pdf", pdf(lambda page: scanned(page, tmp_path)))


def test_scanned_pages_among_others_are_noted_and_empty_ones_are_not(tmp_path: Path) -> None:
    def build(page: FPDF) -> None:
        paragraph(page)
        page.add_page()
        scanned(page, tmp_path)
        page.add_page()

    document = read(pdf(build))
    assert [note.split(" has")[0] for note in document.notes] == ["page 2"]


def test_a_pdf_that_is_cut_off_is_refused() -> None:
    raw = pdf(paragraph)
    for end in (20, len(raw) // 3):
        with pytest.raises(DocumentError, match=r"damaged or cut off|has no text"):
            extract(".pdf", raw[:end])
