"""HTML → headings, paragraphs, lists, tables and code; scripts, styles, navigation and what is hidden are left out.

Nothing is fetched: images, frames and stylesheets are only names here.
"""

from __future__ import annotations

import re

from lxml import etree

from allotment.documents._blocks import Extracted
from allotment.documents._front_matter import narrowed, readers_listed, split_front_matter
from allotment.documents.formats._clean import clean
from allotment.documents.formats._encoding import decode
from allotment.documents.formats._html_events import PageEvents
from allotment.documents.formats._writer import Writer
from allotment.errors import DocumentError

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{2,40})""", re.IGNORECASE)
_HEAD = 4096
"""Bytes in which a declaration of the encoding is looked for."""
_TOP_HEADING = re.compile(r"<h1[\s>]", re.IGNORECASE)
_STEP = 1 << 18


def extract_html(raw: bytes) -> Extracted:
    """A web page: its title where it has no heading of level 1, and its text.

    Raises:
        DocumentError: of unknown encoding, or its readers are no list of roles.
    """
    text, named = split_front_matter(decode(raw, declared_encoding(raw)))
    writer = Writer()
    readers = html_into(writer, text)
    return writer.extracted(narrowed(named, readers))


def html_into(writer: Writer, text: str) -> frozenset[str] | None:
    """Write a page's blocks; the readers that its ``<meta name="readers">`` names.

    Raises:
        DocumentError: its readers are no list of roles, or are named twice.
    """
    page = PageEvents(writer, titled=not _TOP_HEADING.search(text))
    # events instead of a tree: memory does not grow with the page, and no depth of nesting is too deep
    parser = etree.HTMLParser(target=page, huge_tree=True, no_network=True, encoding="utf-8")
    source = clean(text).encode("utf-8")
    if source.strip():
        for start in range(0, len(source), _STEP):
            parser.feed(source[start : start + _STEP])
        parser.close()
    if len(page.readers) > 1:
        raise DocumentError("names its readers twice")
    return readers_listed(page.readers[0]) if page.readers else None


def declared_encoding(raw: bytes) -> str:
    """The encoding that the page's ``<meta>`` or XML declaration names; empty if none does."""
    found = _XML.search(raw[:_HEAD]) or _CHARSET.search(raw[:_HEAD])
    return found.group(1).decode("ascii", "replace") if found else ""
