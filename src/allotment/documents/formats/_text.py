"""Plain text and Markdown: the text itself, without its front matter."""

from __future__ import annotations

import re

from allotment.documents._blocks import Block, Extracted
from allotment.documents._front_matter import split_front_matter
from allotment.documents.formats._encoding import decode
from allotment.documents.formats._markdown import markdown_blocks
from allotment.documents.formats._pieces import sentences

_PARAGRAPH = re.compile(r"\S(?:.|\n(?!\s*\n))*")


def extract_markdown(raw: bytes) -> Extracted:
    """A Markdown file.

    Raises:
        DocumentError: its encoding is uncertain, or its front matter is broken.
    """
    body, readers = split_front_matter(decode(raw))
    return Extracted(body, tuple(markdown_blocks(body)), readers)


def extract_text(raw: bytes) -> Extracted:
    """A text of paragraphs with empty lines between them.

    Raises:
        DocumentError: its encoding is uncertain, or its front matter is broken.
    """
    body, readers = split_front_matter(decode(raw))
    return Extracted(body, tuple(paragraphs(body)), readers)


def paragraphs(text: str) -> list[Block]:
    """The paragraphs of a text as blocks."""
    found: list[Block] = []
    for match in _PARAGRAPH.finditer(text):
        start = match.start()
        end = start + len(match.group().rstrip())
        found.append(Block("prose", start, end, tuple(sentences(text, start, end))))
    return found
