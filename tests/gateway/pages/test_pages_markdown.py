"""Markdown becomes a tree of a short list of elements, whatever the text; nothing in it leads anywhere or loads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.gateway.pages._markdown import ELEMENTS, MarkdownStream, Node, blocks_of
from allotment.gateway.pages._sql import coloured

PIECES = (
    "# Title\n", "\n\n", "- a\n", "1. b\n", "3) c\n", "> q\n", "```js\ncode\n```\n", "~~~\n", "    indented\n", "---\n",
    "| a | b |\n|---|--:|\n| 1 | 2 |\n", "**b**", "*i*", "~~s~~", "`c`", "[x](https://evil.example \"t\")", "a  \nb",
    "![alt](https://evil.example/x.png)", "<https://evil.example>", "[ref]: https://evil.example\n", "[ref]", "\\*",
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "[j](javascript:alert(1))", "&lt;b&gt;", "\x00",
    "\u202e",
    "<!-- c -->", "</div>", "https://evil.example/plain", "===\n", "\t- deep\n",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=10), max_size=14).map("".join)
ATTRIBUTES = {"class": {"address", "number", "middle"}, "start": None, "language": None}


def walk(nodes: list[Node]) -> Iterator[list[Any]]:
    for node in nodes:
        if not isinstance(node, str):
            yield node
            yield from walk(node[2])


def words(nodes: list[Node]) -> str:
    return "".join(node if isinstance(node, str) else words(node[2]) for node in nodes)


@given(TEXTS)
@settings(max_examples=300)
def test_every_text_is_a_tree_of_known_elements_with_known_attributes(text: str) -> None:
    for name, attributes, inside in walk(blocks_of(text)):
        assert name in ELEMENTS
        assert isinstance(inside, list)
        for key, value in attributes.items():
            assert key in ATTRIBUTES
            known = ATTRIBUTES[key]
            assert known is None or value in known
            assert key != "start" or isinstance(value, int)


@given(st.text(alphabet="abc čř123.,;:!?", max_size=80))
def test_plain_words_are_all_there(text: str) -> None:
    assert [letter for letter in words(blocks_of(text)) if letter.isalpha()] == [one for one in text if one.isalpha()]


@given(TEXTS, st.integers(1, 9))
@settings(max_examples=200)
def test_a_text_written_piece_by_piece_ends_as_the_same_blocks(text: str, size: int) -> None:
    text = text.replace("\r", "")  # no model writes old Macintosh lines; whole answers are read with them all the same
    stream, shown = MarkdownStream(), list[Node]()
    for start in range(0, len(text), size):
        begins, blocks = stream.feed(text[start : start + size])
        assert begins <= len(shown)
        shown[begins:] = blocks
    if "[ref]" not in text:  # what a later line defines is put right when the answer is whole
        assert shown == blocks_of(text)


def test_a_link_and_an_image_are_words_with_their_address_as_text() -> None:
    (paragraph,) = blocks_of("See [the rules](https://evil.example/a) and ![a map](https://evil.example/b.png).")
    assert words([paragraph]) == "See the rules (https://evil.example/a) and a map (https://evil.example/b.png)."
    assert {node[0] for node in walk([paragraph])} == {"p", "span"}


def test_tables_code_and_lists_are_what_they_are() -> None:
    table, code, numbered = blocks_of("| a | b |\n|---|--:|\n| 1 | 2 |\n\n```python x\nprint(1)\n```\n\n3. c")
    assert table[0] == "table" and ["td", {"class": "number"}, ["2"]] in list(walk([table]))
    assert code == ["pre", {"language": "python"}, ["print(1)"]]
    assert numbered == ["ol", {"start": 3}, [["li", {}, ["c"]]]]


@pytest.mark.parametrize("piece", ["> ", "- ", "*", "[", "`", "|", "![", "_*"])
def test_a_text_made_to_break_parsers_is_read_in_bounded_depth(piece: str) -> None:
    def depth(nodes: list[Node]) -> int:
        return max((1 + depth(node[2]) for node in nodes if not isinstance(node, str)), default=0)

    assert depth(blocks_of(piece * 5000 + "x")) < 100


STATEMENTS = st.lists(
    st.sampled_from(("SELECT ", "'a'", " 3.5 ", "--x\n", '"q"', "/*", "$$", "€", "FROM t ")), max_size=9
)


@given(st.text(max_size=200) | STATEMENTS.map("".join))
@settings(max_examples=200)
def test_a_coloured_statement_is_the_statement(statement: str) -> None:
    assert "".join(text for _, text in coloured(statement)) == statement
