"""Markdown → blocks, by the line maps of markdown-it-py's tokens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from allotment.documents._blocks import Block, Kind
from allotment.documents.formats._pieces import Span, code_pieces, item_pieces, row_pieces, sentences

_HEADER_LINES = 2
_BLOCKS = MarkdownIt("commonmark").enable("table").disable("inline")
_INLINE = MarkdownIt("commonmark")
_KINDS: dict[str, Kind] = {
    "paragraph_open": "prose",
    "blockquote_open": "prose",
    "html_block": "prose",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "fence": "code",
    "code_block": "code",
    "table_open": "table",
}


@dataclass(frozen=True)
class _Source:
    """A Markdown text, where its lines begin, and the targets of its links."""

    text: str
    lines: list[int]
    tokens: Sequence[Token]
    targets: dict[str, Any]

    def span(self, token: Token) -> Span:
        """The token's place without the white space after it."""
        first, last = token.map or (0, 0)
        start, end = self.lines[first], min(self.lines[last], len(self.text))
        return start, start + len(self.text[start:end].rstrip())


def markdown_blocks(text: str, offset: int = 0) -> list[Block]:
    """Blocks of a Markdown text that begins at ``offset`` of the extracted text; line ends must be ``\\n``."""
    targets: dict[str, Any] = {}
    tokens = _BLOCKS.parse(text, targets)
    source = _Source(text, [0, *accumulate(len(line) + 1 for line in text.split("\n"))], tokens, targets)
    found: list[Block] = []
    for index, token in enumerate(tokens):
        if token.level == 0 and token.map is not None:
            block = _block(source, index, offset)
            if block is not None and block.start < block.end:
                found.append(block)
    return found


def _block(source: _Source, index: int, offset: int) -> Block | None:
    token = source.tokens[index]
    start, end = source.span(token)
    if token.type == "heading_open":
        title = _plain(source.tokens[index + 1], source.targets)
        return Block("heading", start + offset, end + offset, level=int(token.tag[1:]), title=title)
    kind = _KINDS.get(token.type)
    if kind is None or _is_comment(token):
        return None
    pieces = tuple((a + offset, b + offset) for a, b in _pieces(source, index, kind) if a < b)
    return Block(kind, start + offset, end + offset, pieces, header=_header(source.text, kind, start, end))


def _pieces(source: _Source, index: int, kind: Kind) -> list[Span]:
    start, end = source.span(source.tokens[index])
    if kind == "list":
        return [piece for item in _items(source, index) for piece in item]
    if kind == "prose":
        return sentences(source.text, start, end)
    if kind == "table":
        return row_pieces(source.text, start, end, _HEADER_LINES)
    return code_pieces(source.text, start, end)


def _items(source: _Source, index: int) -> Iterator[list[Span]]:
    """Pieces of each item of a list: the item, or if it is long what it is made of."""
    tokens, level = source.tokens, source.tokens[index].level
    for place in _inside(tokens, index, level):
        item = tokens[place]
        if item.type == "list_item_open" and item.level == level + 1:
            start, end = source.span(item)
            whole = item_pieces(source.text, start, end)
            yield whole if len(whole) == 1 else list(_parts(source, place, start))


def _parts(source: _Source, index: int, start: int) -> Iterator[Span]:
    """What a long item is made of; its bullet belongs to the first part."""
    level = source.tokens[index].level
    for place in _inside(source.tokens, index, level):
        token = source.tokens[place]
        kind = _KINDS.get(token.type)
        if token.level != level + 1 or token.map is None or kind is None:
            continue
        for left, right in _pieces(source, place, kind):
            if left < right:
                yield min(start, left), right
                start = right


def _inside(tokens: Sequence[Token], index: int, level: int) -> Iterator[int]:
    for place in range(index + 1, len(tokens)):
        if tokens[place].level <= level:
            return
        yield place


def _header(text: str, kind: Kind, start: int, end: int) -> str:
    return "\n".join(text[start:end].split("\n")[:_HEADER_LINES]) if kind == "table" else ""


def _plain(inline: Token, targets: dict[str, Any]) -> str:
    """A heading's words: text and code of its inline tokens, without links and emphasis marks."""
    parsed = _INLINE.parseInline(inline.content, targets)
    children = [child for token in parsed for child in token.children or ()]
    words = [child.content or " " for child in children if child.type not in ("html_inline", "image")]
    return " ".join("".join(word if word.strip() else " " for word in words).split()).strip()


def _is_comment(token: Token) -> bool:
    content = token.content.strip()
    return token.type == "html_block" and content.startswith("<!--") and content.endswith("-->")
