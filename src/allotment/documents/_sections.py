"""Cutting a document: along its headings, then its blocks, then the places a long block allows.

A block that fits in a section is never cut: no code block, table row or list item is torn that would have fitted.
A piece with too little prose to ask about joins its neighbour where both fit together.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from allotment.documents._blocks import Block, Extracted
from allotment.documents._sentences import sentence_spans
from allotment.documents._tokens import estimate_tokens
from allotment.project import SectionsConfig

_WORD = re.compile(r"\S+")
_ANCHOR_SHARE = 3
"""One piece in so many ends a section that is half full."""
_LONGEST_WORD = 1000
"""Characters; a longer run without white space is cut."""


@dataclass(frozen=True)
class Cut:
    """A section's place in the extracted text and among its headings."""

    heading_path: tuple[str, ...]
    start: int
    end: int
    tokens: int
    prose_tokens: int
    """Of them outside code."""
    header: str = ""
    """Header of the table that its first row belongs to, where the header itself stands in an earlier section."""
    anchored: bool = False
    """Whether a section may end here although more would fit: known from the last piece's text alone."""


def cut(document: Extracted, limits: SectionsConfig) -> list[Cut]:
    """Sections of a document in order, without overlap; none if it has less prose than the floor.

    No section has more tokens than the ceiling, its repeated table header included.
    """
    runs = _by_heading(document.blocks)
    pieces = [piece for path, blocks in runs for piece in _packed(document.text, path, blocks, limits)]
    joined = _join(document.text, pieces, limits)
    return joined if sum(piece.prose_tokens for piece in joined) >= limits.floor_tokens else []


def _by_heading(blocks: tuple[Block, ...]) -> Iterator[tuple[tuple[str, ...], list[Block]]]:
    open_headings: list[tuple[int, str]] = []
    run: list[Block] = []
    for block in blocks:
        if block.kind != "heading":
            run.append(block)
            continue
        if run:
            yield tuple(title for _, title in open_headings), run
            run = []
        open_headings = [(level, title) for level, title in open_headings if level < block.level]
        if block.title:
            open_headings.append((block.level, block.title))
    if run:
        yield tuple(title for _, title in open_headings), run


def _packed(text: str, path: tuple[str, ...], blocks: list[Block], limits: SectionsConfig) -> Iterator[Cut]:
    """As many pieces of the blocks in each section as fit.

    A section that is half full ends at an anchor, which depends on the text just there; so an edit early in a long
    run moves the next few cuts and not all that follow, and their sections keep their ids.
    """
    current: Cut | None = None
    for piece in (piece for block in blocks for piece in _pieces(text, path, block, limits)):
        if current is not None and _goes_on(text, current, piece, limits):
            current = _merged(current, piece, path)
            continue
        if current is not None:
            yield current
        current = piece
    if current is not None:
        yield current


def _goes_on(text: str, current: Cut, piece: Cut, limits: SectionsConfig) -> bool:
    """Whether the piece joins the section: it fits, and nothing that is no text (a comment, a rule) stands between."""
    full = current.anchored and 2 * current.tokens >= limits.ceiling_tokens
    fits = _together(current, piece) <= limits.ceiling_tokens
    return fits and not full and not text[current.end : piece.start].strip()


def _together(first: Cut, second: Cut) -> int:
    """Tokens of two neighbours in one section, with the line ends between them."""
    return first.tokens + second.tokens - estimate_tokens(second.header) + 1


def _pieces(text: str, path: tuple[str, ...], block: Block, limits: SectionsConfig) -> list[Cut]:
    whole = _piece(text, path, block.start, block.end, block)
    if whole.tokens <= limits.ceiling_tokens:
        return [whole]
    header = _header(block, limits)
    spans = [(start, end) for start, end in block.pieces if start < end] or [(block.start, block.end)]
    first = _piece(text, path, block.start, spans[0][1], block)
    rest = [_piece(text, path, start, end, block, header) for start, end in spans[1:]]
    return [part for piece in (first, *rest) for part in _shortened(text, piece, block, limits)]


def _header(block: Block, limits: SectionsConfig) -> str:
    """The table's header; one that would fill half of every section is not repeated."""
    return block.header if 2 * estimate_tokens(block.header) <= limits.ceiling_tokens else ""


def _piece(text: str, path: tuple[str, ...], start: int, end: int, block: Block, header: str = "") -> Cut:
    piece = text[start:end]
    tokens = estimate_tokens(piece)
    anchored = zlib.crc32(piece.encode("utf-8", "surrogatepass")) % _ANCHOR_SHARE == 0
    total = tokens + (estimate_tokens(header) + 1 if header else 0)
    return Cut(path, start, end, total, 0 if block.kind == "code" else tokens, header, anchored)


def _shortened(text: str, piece: Cut, block: Block, limits: SectionsConfig) -> list[Cut]:
    """The piece if it fits; else its sentences, or lines of code, and those that are too long cut between words."""
    if piece.tokens <= limits.ceiling_tokens:
        return [piece]
    room = limits.ceiling_tokens - (piece.tokens - estimate_tokens(text[piece.start : piece.end]))
    inside = _lines if block.kind == "code" else sentence_spans
    spans = [(piece.start + a, piece.start + b) for a, b in inside(text[piece.start : piece.end])]
    fitting = [part for start, end in spans for part in _at_words(text, start, end, room)]
    return [_piece(text, piece.heading_path, start, end, block, piece.header) for start, end in fitting]


def _lines(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"[^\n]*\S[^\n]*", text)]


def _at_words(text: str, start: int, end: int, room: int) -> Iterator[tuple[int, int]]:
    """The span, cut between words (inside those that are absurdly long) into parts of at most ``room`` tokens."""
    if estimate_tokens(text[start:end]) <= room:
        yield start, end
        return
    first, last, used = start, start, 0
    for left, right in _words(text, start, end, room):
        tokens = estimate_tokens(text[left:right]) + text.count("\n", last, left)
        if used and used + tokens > room:
            yield first, last
            first, used = left, 0
        last, used = right, used + tokens
    yield first, last


def _words(text: str, start: int, end: int, room: int) -> Iterator[tuple[int, int]]:
    step = min(_LONGEST_WORD, room)
    for match in _WORD.finditer(text, start, end):
        for left in range(match.start(), match.end(), step):
            yield left, min(left + step, match.end())


def _join(text: str, pieces: list[Cut], limits: SectionsConfig) -> list[Cut]:
    """Pieces with too little prose join the next one, the last one the one before, where both fit together."""
    result: list[Cut] = []
    for piece in pieces:
        if result and result[-1].prose_tokens < limits.floor_tokens and _fits(text, result[-1], piece, limits):
            result[-1] = _merged(result[-1], piece, _shared_path(result[-1].heading_path, piece.heading_path))
        else:
            result.append(piece)
    if (
        len(result) > 1
        and result[-1].prose_tokens < limits.floor_tokens
        and _fits(text, result[-2], result[-1], limits)
    ):
        last = result.pop()
        result[-1] = _merged(result[-1], last, result[-1].heading_path)
    return result


def _fits(text: str, first: Cut, second: Cut, limits: SectionsConfig) -> bool:
    """Whether two sections are one within the ceiling, with the headings that stand between them."""
    if first.tokens + second.tokens > limits.ceiling_tokens:
        return False
    return estimate_tokens(first.header) + estimate_tokens(text[first.start : second.end]) < limits.ceiling_tokens


def _merged(first: Cut, second: Cut, path: tuple[str, ...]) -> Cut:
    tokens, prose = _together(first, second), first.prose_tokens + second.prose_tokens
    return replace(
        first, heading_path=path, end=second.end, tokens=tokens, prose_tokens=prose, anchored=second.anchored
    )


def _shared_path(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """The path of both: the second's if the first is the text above it, else what they have in common."""
    if second[: len(first)] == first:
        return second
    common = 0
    while common < min(len(first), len(second)) and first[common] == second[common]:
        common += 1
    return first[:common]
