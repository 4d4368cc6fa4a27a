"""Cutting a document: along its headings, then its blocks, then the places a long block allows.

Code blocks and tables are never cut. A piece with too little prose to ask about joins its neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from allotment.documents._blocks import Block, Extracted

TOO_LONG_WORDS = 400
"""Sections are cut at the next allowed place before they exceed this."""
TOO_SHORT_WORDS = 12
"""A section with less prose than this joins its neighbour."""


@dataclass(frozen=True)
class Cut:
    """A section's place in the extracted text and among its headings."""

    heading_path: tuple[str, ...]
    start: int
    end: int
    prose_words: int
    words: int


def cut(document: Extracted) -> list[Cut]:
    """Sections of a document in order, without overlap; none if it has less than ``TOO_SHORT_WORDS`` of prose."""
    pieces = [cut for path, blocks in _by_heading(document.blocks) for cut in _packed(document.text, path, blocks)]
    joined = _join(pieces)
    return joined if sum(piece.prose_words for piece in joined) >= TOO_SHORT_WORDS else []


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


def _packed(text: str, path: tuple[str, ...], blocks: list[Block]) -> Iterator[Cut]:
    """As many pieces of the blocks in each section as fit."""
    current: Cut | None = None
    for piece in (piece for block in blocks for piece in _pieces(text, path, block)):
        if current is not None and current.words + piece.words <= TOO_LONG_WORDS:
            current = _merged(current, piece, path)
            continue
        if current is not None:
            yield current
        current = piece
    if current is not None:
        yield current


def _pieces(text: str, path: tuple[str, ...], block: Block) -> list[Cut]:
    prose = block.kind != "code"
    whole = _piece(text, path, block.start, block.end, prose)
    if whole.words <= TOO_LONG_WORDS or not block.pieces:
        return [whole]
    return [_piece(text, path, start, end, prose) for start, end in block.pieces if start < end]


def _piece(text: str, path: tuple[str, ...], start: int, end: int, prose: bool) -> Cut:
    words = len(text[start:end].split())
    return Cut(path, start, end, words if prose else 0, words)


def _join(pieces: list[Cut]) -> list[Cut]:
    """Pieces with too little prose join the next one, the last one the one before."""
    result: list[Cut] = []
    for piece in pieces:
        if result and _wants_company(result[-1], piece):
            result[-1] = _merged(result[-1], piece, _shared_path(result[-1].heading_path, piece.heading_path))
        else:
            result.append(piece)
    if len(result) > 1 and result[-1].prose_words < TOO_SHORT_WORDS and _fits(result[-2], result[-1]):
        last = result.pop()
        result[-1] = _merged(result[-1], last, result[-1].heading_path)
    return result


def _wants_company(piece: Cut, following: Cut) -> bool:
    return piece.prose_words < TOO_SHORT_WORDS and _fits(piece, following)


def _fits(first: Cut, second: Cut) -> bool:
    return first.words + second.words <= TOO_LONG_WORDS or min(first.words, second.words) < TOO_SHORT_WORDS


def _merged(first: Cut, second: Cut, path: tuple[str, ...]) -> Cut:
    words, prose = first.words + second.words, first.prose_words + second.prose_words
    return replace(first, heading_path=path, end=second.end, words=words, prose_words=prose)


def _shared_path(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """The path of both: the second's if the first is the text above it, else what they have in common."""
    if second[: len(first)] == first:
        return second
    common = 0
    while common < min(len(first), len(second)) and first[common] == second[common]:
        common += 1
    return first[:common]
