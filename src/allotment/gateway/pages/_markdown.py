"""Markdown as a tree of elements from a short list; the page builds it element by element, and no text is ever markup.

Links and images stay words: nothing in an answer leads anywhere or loads anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

Node = str | list[Any]
"""A text, or an element: its name, its attributes and its nodes."""

_SAME = frozenset({"p", "ul", "li", "blockquote", "em", "strong", "table", "thead", "tbody", "tr"})
_HEADING = {"h1": "h3", "h2": "h4", "h3": "h5", "h4": "h6", "h5": "h6", "h6": "h6"}
"""A page has headings of its own above those of an answer."""
_ALIGNED = {"text-align:right": "number", "text-align:center": "middle"}
ELEMENTS = _SAME | frozenset(_HEADING.values()) | {"ol", "pre", "code", "s", "br", "hr", "th", "td", "span"}
"""Everything a tree can hold; the script of the page has the same list and builds nothing else."""
_LONGEST_LANGUAGE = 20


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


def blocks_of(text: str) -> list[Node]:
    """The blocks of a Markdown text."""
    return [node for child in SyntaxTreeNode(_parser().parse(text)).children for node in _nodes(child)]


@dataclass
class MarkdownStream:
    """Blocks of a text that is still being written: what is finished is not looked at again."""

    _done: int = 0
    """Finished blocks so far."""
    _tail: str = ""

    def feed(self, text: str) -> tuple[int, list[Node]]:
        """Take the next piece; returns from which block on the text is now these blocks."""
        self._tail += text.replace("\r", "")
        children = SyntaxTreeNode(_parser().parse(self._tail)).children
        begun, blocks = self._done, [node for child in children for node in _nodes(child)]
        lines = self._tail.split("\n")
        finished, first = _finished(children, lines)
        self._done += finished
        self._tail = "\n".join(lines[first:])
        return begun, blocks


def _finished(children: Sequence[SyntaxTreeNode], lines: Sequence[str]) -> tuple[int, int]:
    """How many blocks nothing more can become part of, and the line after them.

    What follows a block without an empty line between may still turn out to go on with it.
    """
    for at in range(len(children) - 1, 0, -1):
        place = children[at].map
        if place is not None and place[0] > 0 and not lines[place[0] - 1].strip():
            return at, place[0]
    return 0, 0


def _nodes(node: SyntaxTreeNode) -> Iterator[Node]:
    kind, tag = node.type, node.tag
    if kind == "text":
        if node.content:
            yield node.content
    elif kind == "inline" or (kind == "paragraph" and node.hidden):
        yield from _inside(node)
    elif kind == "softbreak":
        yield "\n"
    elif kind in ("fence", "code_block"):
        language = node.info.split()[0][:_LONGEST_LANGUAGE] if node.info.split() else ""
        yield ["pre", {"language": language}, [node.content.removesuffix("\n")]]
    elif kind == "code_inline":
        yield ["code", {}, [node.content]]
    elif kind in ("hardbreak", "hr"):
        yield [tag, {}, []]
    elif kind == "link":
        yield from _link(node)
    elif kind == "image":
        address = str(node.attrs.get("src", ""))
        yield ["span", {"class": "address"}, [" ".join(filter(None, (node.content, f"({address})")))]]
    elif tag in _HEADING:
        yield [_HEADING[tag], {}, list(_inside(node))]
    elif tag in ("th", "td"):
        aligned = _ALIGNED.get(str(node.attrs.get("style", "")), "")
        yield [tag, {"class": aligned} if aligned else {}, list(_inside(node))]
    elif tag == "ol":
        start = node.attrs.get("start", 1)
        yield ["ol", {"start": int(start)} if start != 1 else {}, list(_inside(node))]
    elif tag in _SAME or tag == "s":
        yield [tag, {}, list(_inside(node))]
    else:  # whatever else there may be is its own source, as text
        yield node.content


def _inside(node: SyntaxTreeNode) -> Iterator[Node]:
    for child in node.children:
        yield from _nodes(child)


def _link(node: SyntaxTreeNode) -> Iterator[Node]:
    """Its words and, where these are not the address itself, the address as text."""
    address = str(node.attrs.get("href", ""))
    words = list(_inside(node))
    yield from words
    if words != [address]:
        yield ["span", {"class": "address"}, [f" ({address})"]]
