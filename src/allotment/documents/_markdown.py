"""Markdown → blocks, by the line maps of markdown-it-py's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

from allotment.documents._blocks import Block, Kind
from allotment.documents._sentences import sentence_spans

_PARSER = MarkdownIt("commonmark").enable("table")
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


def markdown_blocks(text: str, offset: int = 0) -> list[Block]:
    """Blocks of a Markdown text that begins at ``offset`` of the extracted text; line ends must be ``\\n``."""
    tokens = _PARSER.parse(text)
    lines = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    found: list[Block] = []
    for index, token in enumerate(tokens):
        if token.level == 0 and token.map is not None:
            block = _block(tokens, index, text, lines, offset)
            if block is not None and block.start < block.end:
                found.append(block)
    return found


def _block(tokens: Sequence[Token], index: int, text: str, lines: list[int], offset: int) -> Block | None:
    token = tokens[index]
    start, end = _span(token, text, lines)
    if token.type == "heading_open":
        title = _plain(tokens[index + 1])
        return Block("heading", start + offset, end + offset, level=int(token.tag[1:]), title=title)
    kind = _KINDS.get(token.type)
    if kind is None or _is_comment(token):
        return None
    pieces = _pieces(tokens, index, kind, text, lines)
    return Block(kind, start + offset, end + offset, tuple((a + offset, b + offset) for a, b in pieces))


def _span(token: Token, text: str, lines: list[int]) -> tuple[int, int]:
    first, last = token.map or (0, 0)
    start, end = lines[first], min(lines[last], len(text))
    return start, start + len(text[start:end].rstrip())


def _pieces(tokens: Sequence[Token], index: int, kind: Kind, text: str, lines: list[int]) -> list[tuple[int, int]]:
    if kind == "list":
        items = (t for t in _inside(tokens, index) if t.type == "list_item_open" and t.level == 1)
        return [_span(item, text, lines) for item in items]
    if kind == "prose":
        start, end = _span(tokens[index], text, lines)
        return [(start + a, start + b) for a, b in sentence_spans(text[start:end])]
    return []


def _inside(tokens: Sequence[Token], index: int) -> Sequence[Token]:
    for end in range(index + 1, len(tokens)):
        if tokens[end].level == 0:
            return tokens[index + 1 : end]
    return tokens[index + 1 :]


def _plain(inline: Token) -> str:
    """A heading's words: text and code of its inline tokens, without links and emphasis marks."""
    words = [child.content or " " for child in inline.children or () if child.type not in ("html_inline", "image")]
    return " ".join("".join(word if word.strip() else " " for word in words).split()).strip()


def _is_comment(token: Token) -> bool:
    content = token.content.strip()
    return token.type == "html_block" and content.startswith("<!--") and content.endswith("-->")
