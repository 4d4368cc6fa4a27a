"""Word documents, presentations and workbooks."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from docx.enum.style import WD_STYLE_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from made_files import WORDS, check_structure, plain_word, plain_workbook, slides, with_part, word, workbook
from openpyxl.styles import Font
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from allotment.documents._blocks import Extracted
from allotment.documents._extract import extract
from allotment.errors import DocumentError


def read(suffix: str, raw: bytes) -> Extracted:
    document = extract(suffix, raw)
    check_structure(document)
    return document


def lines(document: Extracted) -> list[str]:
    return [line for line in document.text.split("\n") if line]


def test_a_word_document_keeps_headings_lists_tables_and_code() -> None:
    def build(document: Any) -> None:
        document.add_heading("Rules", 0)
        document.add_heading("Part", 2)
        document.add_paragraph(WORDS)
        for text, style in [("one", "List Bullet"), ("inner", "List Bullet 2"), ("first", "List Number")]:
            document.add_paragraph(text, style=style)
        table = document.add_table(rows=2, cols=2)
        for cell, text in zip([*table.rows[0].cells, *table.rows[1].cells], "ab12", strict=True):
            cell.text = text
        document.styles.add_style("Source Code", WD_STYLE_TYPE.PARAGRAPH)
        for text in ("x = 1", "    y = 2"):
            document.add_paragraph(text, style="Source Code")
        document.sections[0].header.paragraphs[0].text = "Secret header"
        document.sections[0].footer.paragraphs[0].text = "Page 1"

    document = read(".docx", word(build))
    assert [(b.kind, b.level) for b in document.blocks if b.kind == "heading"] == [("heading", 1), ("heading", 2)]
    assert {"heading", "prose", "list", "table", "code"} == {block.kind for block in document.blocks}
    assert "| 1 | 2 |" in document.text and "```\nx = 1\n    y = 2\n```" in document.text
    assert "Secret" not in document.text and "Page 1" not in document.text


def test_styles_derived_from_a_heading_or_with_an_outline_level_are_headings() -> None:
    def build(document: Any) -> None:
        derived = document.styles.add_style("Kapitola", WD_STYLE_TYPE.PARAGRAPH)
        derived.base_style = document.styles["Heading 3"]
        outlined = document.styles.add_style("Oddil", WD_STYLE_TYPE.PARAGRAPH)
        outlined.base_style = document.styles["Normal"]
        outlined.element.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="1"/>'))
        document.add_paragraph("Derived", style="Kapitola")
        document.add_paragraph("Outlined", style="Oddil")

    assert lines(read(".docx", word(build))) == ["### Derived", "## Outlined"]


def test_footnotes_and_inserted_text_are_read_and_deleted_text_is_not() -> None:
    def build(document: Any) -> None:
        paragraph = document.add_paragraph("Before ")
        change = f'<w:{{0}} {nsdecls("w")} w:id="1" w:author="a"><w:r><w:{{1}}>{{2}}</w:{{1}}></w:r></w:{{0}}>'
        paragraph._p.append(parse_xml(change.format("ins", "t", "inserted")))
        paragraph._p.append(parse_xml(change.format("del", "delText", "deleted")))

    assert read(".docx", word(build)).text == "Before inserted"


def test_a_workbook_is_a_table_for_each_sheet_with_its_values_as_shown() -> None:
    def build(book: Any) -> None:
        sheet = book.active
        sheet.title = "Ceny"
        sheet.append(["Zboží", "Cena", "Podíl", "Datum", "Čas", "Ano", "Kusů"])
        sheet.append(["káva", 1234.5, 0.256, dt.datetime(2024, 3, 1), dt.time(9, 30), True, 12.0])
        sheet["B2"].number_format, sheet["C2"].number_format = '#,##0.00\\ "Kč"', "0.0%"
        book.create_sheet("Druhý").append(["x", dt.datetime(2024, 3, 1, 8, 15)])

    document = read(".xlsx", workbook(build))
    assert "| káva | 1,234.50 Kč | 25.6% | 2024-03-01 | 09:30:00 | TRUE | 12 |" in document.text
    assert "| x | 2024-03-01 08:15:00 |" in document.text
    assert [(mark.unit, mark.number) for mark in document.marks] == [("sheet", 1), ("sheet", 2)]
    assert [block.title for block in document.blocks if block.kind == "heading"] == ["Ceny", "Druhý"]


def test_merged_cells_stand_in_each_of_their_rows() -> None:
    def build(book: Any) -> None:
        for row in (["Pier", "Hour"], ["north", 6], [None, 7]):
            book.active.append(row)
        book.active.merge_cells("A2:A3")

    assert lines(read(".xlsx", workbook(build)))[-2:] == ["| north | 6 |", "| north | 7 |"]


def test_hidden_sheets_rows_and_columns_are_left_out_and_noted() -> None:
    def build(book: Any) -> None:
        sheet = book.active
        for row in (["a", "secret", "b"], [1, 2, 3], ["secret"] * 3):
            sheet.append(row)
        sheet.column_dimensions["B"].hidden = True
        sheet.row_dimensions[3].hidden = True
        for name, state in [("Tajný", "hidden"), ("Velmi", "veryHidden")]:
            other = book.create_sheet(name)
            other.append(["secret"])
            other.sheet_state = state

    document = read(".xlsx", workbook(build))
    assert "secret" not in document.text and "| 1 | 3 |" in document.text
    assert [("hidden" in note, note.split()[1]) for note in document.notes] == [
        (True, "Sheet"),
        (True, "Tajný"),
        (True, "Velmi"),
    ]


def test_a_formula_without_a_stored_value_is_noted() -> None:
    def build(book: Any) -> None:
        book.active.append(["a", "=1+1"])
        book.active["A1"].font = Font(bold=True)

    assert read(".xlsx", workbook(build)).notes == ("1 formulas have no stored value; open the file and save it again",)


def test_a_sheet_with_one_far_cell_is_refused_before_it_fills_memory() -> None:
    def build(book: Any) -> None:
        book.active["A1"], book.active["XFD1048576"] = 1, 2

    with pytest.raises(DocumentError, match="spread over"):
        extract(".xlsx", workbook(build))


def test_slides_give_titles_lists_tables_charts_and_notes() -> None:
    def build(presentation: Any) -> None:
        first = presentation.slides.add_slide(presentation.slide_layouts[0])
        first.shapes.title.text, first.placeholders[1].text = "Deck", "For everybody"
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = "Piers"
        frame = slide.placeholders[1].text_frame
        frame.text = "one"
        inner = frame.add_paragraph()
        inner.text, inner.level = "two", 1
        table = slide.shapes.add_table(2, 2, 0, 0, Inches(2), Inches(1)).table
        for index, text in enumerate("ab12"):
            table.cell(index // 2, index % 2).text = text
        data = CategoryChartData()
        data.categories = ["north", "south"]
        data.add_series("2024", (1.5, 2))
        slide.shapes.add_chart(XL_CHART_TYPE.BAR_CLUSTERED, 0, 0, Inches(2), Inches(2), data)
        slide.notes_slide.notes_text_frame.text = "Say hello."
        hidden = presentation.slides.add_slide(presentation.slide_layouts[1])
        hidden.shapes.title.text = "Secret"
        hidden._element.set("show", "0")

    document = read(".pptx", slides(build))
    assert document.text.startswith("# Deck\n\nFor everybody\n\n## Piers\n\n- one\n  - two\n\n| a | b |")
    assert "| north | 1.5 |" in document.text and document.text.endswith("Say hello.")
    assert [(mark.unit, mark.number) for mark in document.marks] == [("slide", 1), ("slide", 2)]
    assert "Secret" not in document.text and document.notes == ("slide 3 is hidden and was left out",)


def test_shapes_inside_groups_are_read() -> None:
    def build(presentation: Any) -> None:
        slide = presentation.slides.add_slide(presentation.slide_layouts[6])
        group = slide.shapes.add_group_shape().shapes.add_group_shape()
        group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = WORDS

    assert read(".pptx", slides(build)).text == WORDS


def test_keywords_of_an_office_file_name_its_readers() -> None:
    def build(book: Any) -> None:
        book.active.append(["a", 1])
        book.properties.keywords = "budget; Readers: boss, staff"

    assert read(".xlsx", workbook(build)).readers == {"boss", "staff"}
    assert read(".docx", plain_word()).readers is None


@pytest.mark.parametrize("keywords", ["readers:", "plan, readers: a", "readers: a; readers: b", "readers: a,,b"])
def test_keywords_that_could_be_misread_are_refused(keywords: str) -> None:
    def build(document: Any) -> None:
        document.add_paragraph(WORDS)
        document.core_properties.keywords = keywords

    with pytest.raises(DocumentError, match="readers"):
        extract(".docx", word(build))


def test_macros_are_carried_along_and_never_looked_at() -> None:
    raw = with_part(plain_workbook(), "xl/vbaProject.bin", lambda _: b"\xd0\xcf\x11\xe0" * 100)
    types = (b"spreadsheetml.sheet.main+xml", b"ms-excel.sheet.macroEnabled.main+xml")
    macro = with_part(
        raw, "[Content_Types].xml", lambda part: part.replace(b"openxmlformats-officedocument." + types[0], types[1])
    )
    assert "| north | 6 |" in read(".xlsm", macro).text
