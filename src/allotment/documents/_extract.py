"""One file's bytes → its text and structure, by the file's ending."""

from __future__ import annotations

import re

from allotment.documents._blocks import Block, Extracted
from allotment.documents._front_matter import split_front_matter
from allotment.documents._markdown import markdown_blocks
from allotment.documents._notebook import extract_notebook
from allotment.documents._sentences import sentence_spans
from allotment.errors import DocumentError

EXTRACTOR_VERSION = "1"
"""Raised with every change of what is extracted or how it is cut: files are then read again."""

_PARAGRAPH = re.compile(r"\S(?:.|\n(?!\s*\n))*")


def extract(suffix: str, raw: bytes) -> Extracted:
    """Text and structure of a file with the ending ``suffix`` (``.md``, ``.txt``, ``.ipynb``; others are text).

    Raises:
        DocumentError: not UTF-8, has NUL characters, or its front matter or notebook is broken.
    """
    text = _decode(raw)
    if suffix == ".ipynb":
        return extract_notebook(text)
    body, readers = split_front_matter(text)
    blocks = markdown_blocks(body) if suffix in (".md", ".markdown") else _paragraphs(body)
    return Extracted(body, tuple(blocks), readers)


def _decode(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"is not UTF-8 (byte {error.start})") from error
    if "\0" in text:
        raise DocumentError("has NUL characters; it is no text file")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _paragraphs(text: str) -> list[Block]:
    found: list[Block] = []
    for match in _PARAGRAPH.finditer(text):
        start, piece = match.start(), match.group().rstrip()
        pieces = tuple((start + a, start + b) for a, b in sentence_spans(piece))
        found.append(Block("prose", start, start + len(piece), pieces))
    return found
