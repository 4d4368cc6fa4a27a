"""Word documents: mammoth makes HTML of them (styles, lists, tables, footnotes, tracked changes as accepted)."""

from __future__ import annotations

import re
from io import BytesIO
from zipfile import ZIP_STORED, ZipFile

import mammoth
from lxml import etree

from allotment.documents._blocks import Extracted
from allotment.documents.formats._html import html_into
from allotment.documents.formats._package import check_package
from allotment.documents.formats._writer import Writer

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STYLES = "word/styles.xml"
_CODE_STYLES = ("Source Code", "HTML Preformatted", "Code", "Macro Text", "macro", "Preformatted Text")
_BACK_LINK = re.compile(r'<a href="#[^"]*note-ref-[^"]*">↑</a>')
_HEADING = re.compile(r"heading ([1-9])")
_SAFE_NAME = re.compile(r"[\w-]+")
_MAX_DEPTH = 20

_Styles = dict[str, etree._Element]
"""Styles of paragraphs by their id."""


def extract_docx(raw: bytes) -> Extracted:
    """A Word document without its headers, footers, comments, macros and pictures.

    Raises:
        DocumentError: damaged, protected, or a bomb.
    """
    readers = check_package(raw)
    slim, styles = _slimmed(raw)
    pictures = mammoth.images.img_element(lambda image: {})
    made = mammoth.convert_to_html(slim, external_file_access=False, style_map=_map(styles), convert_image=pictures)
    writer = Writer()
    html_into(writer, _BACK_LINK.sub("", made.value))
    return writer.extracted(readers)


def _slimmed(raw: bytes) -> tuple[BytesIO, _Styles]:
    """The document's XML alone; of its styles only what tells what a paragraph is, for mammoth reads each in full."""
    slim = BytesIO()
    styles: _Styles = {}
    with ZipFile(BytesIO(raw)) as source, ZipFile(slim, "w", ZIP_STORED) as target:
        for name in source.namelist():
            if not name.endswith((".xml", ".rels")):
                continue
            content = source.read(name)
            if name == _STYLES:
                root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
                paragraphs = (style for style in root.iter(f"{_W}style") if style.get(f"{_W}type") == "paragraph")
                styles = {style.get(f"{_W}styleId", ""): style for style in paragraphs}
                content = _slim_styles(root)
            target.writestr(name, content)
    slim.seek(0)
    return slim, styles


def _slim_styles(root: etree._Element) -> bytes:
    slim = etree.Element(root.tag, nsmap=root.nsmap)
    for style in root.iter(f"{_W}style"):
        kept = etree.SubElement(slim, style.tag, dict(style.attrib))
        for path in (f"{_W}name", f"{_W}pPr/{_W}numPr"):
            node = style.find(path)
            if node is not None:
                parent = kept if path.endswith("name") else etree.SubElement(kept, f"{_W}pPr")
                parent.append(etree.fromstring(etree.tostring(node)))
    return bytes(etree.tostring(slim))


def _map(styles: _Styles) -> str:
    """What mammoth does not know by itself: styles derived from headings, the title, code."""
    lines = [f"p[style-name='{name}'] => pre:separator('\\n')" for name in _CODE_STYLES]
    lines.append("p[style-name='Title'] => h1:fresh")
    levels = {name: _level(name, styles) for name in styles if _SAFE_NAME.fullmatch(name)}
    return "\n".join([*lines, *(f"p.{name} => h{min(level, 6)}:fresh" for name, level in levels.items() if level)])


def _level(name: str, styles: _Styles) -> int:
    """Level of the heading that a style is, by its name, its outline level or the style it is based on; else 0."""
    for _ in range(_MAX_DEPTH):
        style = styles.get(name)
        if style is None:
            break
        outline = _value(style, f"{_W}pPr/{_W}outlineLvl")
        if found := _HEADING.fullmatch(_value(style, f"{_W}name").casefold()):
            return int(found.group(1))
        if outline.isdigit():
            return int(outline) + 1 if int(outline) < 9 else 0
        name = _value(style, f"{_W}basedOn")
    return 0


def _value(style: etree._Element, path: str) -> str:
    node = style.find(path)
    return "" if node is None else str(node.get(f"{_W}val", ""))
