"""The structure of an extracted text: headings and blocks with their exact spans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "prose", "code", "table", "list"]


@dataclass(frozen=True)
class Block:
    """One block of the extracted text, from ``start`` to ``end`` (exclusive)."""

    kind: Kind
    start: int
    end: int
    pieces: tuple[tuple[int, int], ...] = ()
    """Where the block may be cut when it is too long; empty means never."""
    level: int = 0
    """Of a heading: 1 to 6."""
    title: str = ""
    """Of a heading: its words without markup."""


@dataclass(frozen=True)
class Extracted:
    """A file's text and structure, and the readers its front matter names (none: it names no readers)."""

    text: str
    blocks: tuple[Block, ...]
    readers: frozenset[str] | None = None
