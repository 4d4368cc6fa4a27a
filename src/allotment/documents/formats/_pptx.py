"""PowerPoint presentations: a heading for each slide's title, then its text, tables, charts and notes."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER

from allotment.documents._blocks import Extracted
from allotment.documents.formats._package import check_package
from allotment.documents.formats._writer import Item, Writer

_FURNITURE = (PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.SLIDE_NUMBER, PP_PLACEHOLDER.HEADER)
_DIAGRAM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_MAX_DEPTH = 50


def extract_pptx(raw: bytes) -> Extracted:
    """A presentation without its hidden slides, footers, comments, macros and pictures.

    Raises:
        DocumentError: damaged, protected, or a bomb.
    """
    readers = check_package(raw)
    writer = Writer()
    for number, slide in enumerate(Presentation(BytesIO(raw)).slides, start=1):
        if slide._element.get("show") in ("0", "false"):
            writer.note(f"slide {number} is hidden and was left out")
            continue
        writer.mark("slide", number)
        _write_slide(writer, slide, number)
    return writer.extracted(readers)


def _write_slide(writer: Writer, slide: Any, number: int) -> None:
    title = slide.shapes.title
    if title is not None and title.has_text_frame:
        writer.heading(1 if number == 1 else 2, title.text_frame.text.replace("\v", " "))
    for shape in _shapes(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            _write_shape(writer, shape, number)
    if slide.has_notes_slide:
        frame = slide.notes_slide.notes_text_frame
        writer.prose(frame.text.replace("\v", "\n") if frame is not None else "")


def _shapes(shapes: Any, depth: int = 0) -> Iterator[Any]:
    for shape in shapes:
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP and depth < _MAX_DEPTH:
            yield from _shapes(shape.shapes, depth + 1)
        elif not (shape.is_placeholder and shape.placeholder_format.type in _FURNITURE):
            yield shape


def _write_shape(writer: Writer, shape: Any, slide: int) -> None:
    if getattr(shape, "has_table", False):
        writer.table([[_cell(cell) for cell in row.cells] for row in shape.table.rows])
    elif getattr(shape, "has_chart", False):
        _write_chart(writer, shape.chart)
    elif shape.has_text_frame:
        _write_text(writer, shape)
    elif _DIAGRAM in str(shape._element.xpath("string(.//a:graphicData/@uri)")):
        writer.note(f"slide {slide} has a diagram (SmartArt), whose text was not read")


def _cell(cell: Any) -> str:
    return "" if cell.is_spanned else cell.text_frame.text.replace("\v", " ")


def _write_text(writer: Writer, shape: Any) -> None:
    """Paragraphs of a content placeholder are a list, those of a text box are prose."""
    lines = [(line.text.replace("\v", "\n"), line.level) for line in shape.text_frame.paragraphs if line.text.strip()]
    listed = shape.is_placeholder and shape.placeholder_format.type in (PP_PLACEHOLDER.BODY, PP_PLACEHOLDER.OBJECT)
    if listed and len(lines) > 1:
        writer.items([Item(text, level) for text, level in lines])
    else:
        writer.prose("\n".join(text for text, _ in lines))


def _write_chart(writer: Writer, chart: Any) -> None:
    if chart.has_title and chart.chart_title.has_text_frame:
        writer.prose(chart.chart_title.text_frame.text)
    for plot in chart.plots:
        series = list(plot.series)
        names = [str(category) for category in plot.categories]
        rows = [[name, *(_at(one.values, index) for one in series)] for index, name in enumerate(names)]
        if rows:
            writer.table([["", *(one.name or "" for one in series)], *rows])


def _at(values: Any, index: int) -> str:
    value = values[index] if index < len(values) else None
    return "" if value is None else f"{value:g}"
