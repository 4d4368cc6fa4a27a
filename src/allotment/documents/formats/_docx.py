"""Word documents: mammoth makes HTML of them (styles, lists, tables, footnotes, tracked changes as accepted)."""

from __future__ import annotations

import re
from io import BytesIO
from zipfile import ZipFile

import mammoth
from lxml import etree

from allotment.documents._blocks import Extracted
from allotment.documents.formats._html import html_into
from allotment.documents.formats._package import check_package
from allotment.documents.formats._writer import Writer

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_CODE_STYLES = ("Source Code", "HTML Preformatted", "Code", "Macro Text", "macro", "Preformatted Text")
_BACK_LINK = re.compile(r'<a href="#[^"]*note-ref-[^"]*">↑</a>')
_HEADING = re.compile(r"heading ([1-9])")
_MAX_DEPTH = 20


def extract_docx(raw: bytes) -> Extracted:
    """A Word document without its headers, footers, comments, macros and pictures.

    Raises:
        DocumentError: damaged, protected, or a bomb.
    """
    readers = check_package(raw)
    options = {"style_map": _style_map(raw), "convert_image": mammoth.images.img_element(lambda image: {})}
    html = mammoth.convert_to_html(BytesIO(raw), external_file_access=False, **options).value
    writer = Writer()
    html_into(writer, _BACK_LINK.sub("", html))
    return writer.extracted(readers)


def _style_map(raw: bytes) -> str:
    """What mammoth does not know by itself: styles derived from headings, the title, code."""
    lines = [f"p[style-name='{name}'] => pre:separator('\\n')" for name in _CODE_STYLES]
    lines.append("p[style-name='Title'] => h1:fresh")
    for style, level in _heading_styles(raw).items():
        lines.append(f"p.{style} => h{level}:fresh")
    return "\n".join(lines)


def _heading_styles(raw: bytes) -> dict[str, int]:
    """Id of each paragraph style that is a heading, or is based on one, or has an outline level."""
    with ZipFile(BytesIO(raw)) as archive:
        if "word/styles.xml" not in archive.namelist():
            return {}
        root = etree.fromstring(archive.read("word/styles.xml"), etree.XMLParser(resolve_entities=False))
    styles = {style.get(f"{_W}styleId", ""): style for style in root.iter(f"{_W}style")}
    levels = {name: _level(name, styles) for name in styles}
    return {name: min(level, 6) for name, level in levels.items() if level and re.fullmatch(r"[\w-]+", name)}


def _level(name: str, styles: dict[str, etree._Element]) -> int:
    for _ in range(_MAX_DEPTH):
        style = styles.get(name)
        if style is None:
            break
        own = _value(style, f"{_W}name").casefold()
        outline = _value(style, f"{_W}pPr/{_W}outlineLvl")
        if found := _HEADING.fullmatch(own):
            return int(found.group(1))
        if outline.isdigit():
            return int(outline) + 1 if int(outline) < 9 else 0
        name = _value(style, f"{_W}basedOn")
    return 0


def _value(style: etree._Element, path: str) -> str:
    node = style.find(path)
    return "" if node is None else str(node.get(f"{_W}val", ""))
