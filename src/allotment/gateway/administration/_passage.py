"""A passage beside a pair, in pieces: what the pair rests on, and its value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Piece:
    """A part of a passage: plain, of the quote a pair rests on, or its value."""

    text: str
    kind: Literal["", "quote", "value"] = ""


def marked(text: str, quote: str, value: str) -> Iterator[Piece]:
    """A passage in pieces: the quote in it, and the value in the quote, or anywhere where there is no quote."""
    begin = text.find(quote) if quote else -1
    if begin < 0:
        yield from _valued(text, value, "")
        return
    if begin:
        yield Piece(text[:begin])
    yield from _valued(quote, value, "quote")
    if begin + len(quote) < len(text):
        yield Piece(text[begin + len(quote) :])


def _valued(text: str, value: str, kind: Literal["", "quote"]) -> Iterator[Piece]:
    last = 0
    for found in re.finditer(re.escape(value), text, re.IGNORECASE) if value else ():
        if found.start() > last:
            yield Piece(text[last : found.start()], kind)
        yield Piece(found.group(), "value")
        last = found.end()
    if last < len(text):
        yield Piece(text[last:], kind)
