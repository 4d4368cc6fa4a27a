"""The structure of an extracted text: headings and blocks with their exact spans, and the places they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "prose", "code", "table", "list"]
Unit = Literal["page", "slide", "sheet", "cue", "part"]


@dataclass(frozen=True)
class Block:
    """One block of the extracted text, from ``start`` to ``end`` (exclusive)."""

    kind: Kind
    start: int
    end: int
    pieces: tuple[tuple[int, int], ...] = ()
    """Where the block may be cut when it is too long: sentences, list items, table rows, runs of code lines."""
    level: int = 0
    """Of a heading: 1 to 6."""
    title: str = ""
    """Of a heading: its words without markup."""
    header: str = ""
    """Of a table: its header rows, repeated with every piece that is cut off it."""


@dataclass(frozen=True)
class Mark:
    """From this character of the extracted text on, the text comes from this page, slide, sheet or cue."""

    start: int
    unit: Unit
    number: int
    """From 1, as the reader of the original counts."""


@dataclass(frozen=True)
class Extracted:
    """A file's text and structure, and the readers its front matter names (none: it names no readers)."""

    text: str
    blocks: tuple[Block, ...]
    readers: frozenset[str] | None = None
    marks: tuple[Mark, ...] = ()
    """Ascending by ``start``; empty where the format has no pages."""
    notes: tuple[str, ...] = ()
    """What was left out of the text although the file has it: hidden sheets, pages without text, attachments."""
