"""What must hold for every file, whatever is in it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from made_files import WORDS, check_structure, plain_pdf, plain_slides, plain_word, plain_workbook

from allotment.documents._blocks import Extracted
from allotment.documents._extract import SUFFIXES, extract
from allotment.errors import DocumentError

_BY_OWN_HAND = (".md", ".txt", ".html", ".csv", ".tsv", ".eml")
"""Read by this package's code, which must know by itself what is wrong."""
_OWN = sorted(SUFFIXES - {".srt", ".vtt"})
_MADE = {".docx": plain_word(), ".pptx": plain_slides(), ".xlsx": plain_workbook(), ".pdf": plain_pdf()}
_EMAIL = (
    f"From: a@example.com\nSubject: x\nContent-Type: multipart/mixed; boundary=B\n\n--B\n\n{WORDS}\n--B--\n".encode()
)
_MARKDOWN = st.lists(
    st.sampled_from(
        [
            "# One *x*",
            "## Two",
            "",
            WORDS,
            "- item one",
            "  - nested",
            "- " + WORDS * 20,
            "  ```py",
            "  ```",
            "1. first",
            "| a | b |",
            "|---|---|",
            "| 1 | 2 |",
            "```",
            "> - quoted",
            "    code",
            "\tcode",
            "<div>",
            "<!-- x -->",
            "[a]: <b>",
            "\x0b\x0c\x1c\u2028",
            "Příliš žluťoučký 😀",
        ]
    ),
    max_size=40,
).map("\n".join)
_TAGS = ["p", "div", "h1", "h3", "ul", "ol", "li", "table", "tr", "td", "th", "pre", "code", "b", "br", "nav", "script"]
_TAGS += ["title", "article", "footer", "span", "blockquote", "dl", "dt", "thead", "caption", "meta", "textarea", "a"]
_TAG = st.one_of(
    st.sampled_from(_TAGS).map("<{}>".format),
    st.sampled_from(_TAGS).map("</{}>".format),
    st.sampled_from(["<td colspan=3>", "<td rowspan=2>", "<td rowspan=99999999999>", "<p hidden>", "<ol start=7>"]),
)
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
_HTML = st.lists(st.one_of(_TAG, _TEXT, st.just(WORDS)), max_size=60).map("".join)


def outcome(suffix: str, raw: bytes) -> Extracted | None:
    """What was extracted, checked; none if the file was refused with a reason."""
    try:
        document = extract(suffix, raw)
    except DocumentError as error:
        assert error.message and "\n" not in error.message
        assert suffix not in _BY_OWN_HAND or "it cannot be read as" not in error.message
        return None
    check_structure(document)
    return document


@settings(max_examples=150, deadline=None)
@given(_MARKDOWN)
def test_blocks_and_pieces_of_any_markdown_lie_in_order_in_its_text(text: str) -> None:
    assert outcome(".md", text.encode("utf-8")) is not None


@settings(max_examples=200, deadline=None)
@given(_HTML)
@example("<table><tr><td rowspan=3>a<td>b<tr><td>c<table><tr><td>x<td>y</table></table>z")
@example("<ul>a<li>b<h1>c</h1>d<pre>\n e\n</pre><table><tr><td>1<td>2</table></ul></ul></td></table></pre>f")
def test_blocks_and_pieces_of_any_page_lie_in_order_in_its_text(text: str) -> None:
    assert outcome(".html", text.encode("utf-8")) is not None


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.text(max_size=6), max_size=5), max_size=8), st.sampled_from(",;\t|"))
def test_blocks_and_pieces_of_any_table_lie_in_order_in_its_text(rows: list[list[str]], delimiter: str) -> None:
    lines = [delimiter.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    outcome(".csv", "\n".join(lines).encode("utf-8", "ignore"))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*_OWN, ".log", ""]), st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_with_a_reason(suffix: str, raw: bytes) -> None:
    outcome(suffix, raw)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(_MADE)), st.data())
def test_a_damaged_file_is_read_or_refused_with_a_reason(suffix: str, data: st.DataObject) -> None:
    raw = bytearray(_MADE[suffix])
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    outcome(suffix, bytes(raw))


@pytest.mark.parametrize("suffix", sorted(_MADE))
def test_a_file_cut_off_anywhere_is_read_or_refused_with_a_reason(suffix: str) -> None:
    raw = _MADE[suffix]
    for end in range(0, len(raw), max(1, len(raw) // 25)):
        outcome(suffix, raw[:end])


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_damaged_email_is_read_or_refused_with_a_reason(data: st.DataObject) -> None:
    raw = bytearray(_EMAIL)
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    outcome(".eml", bytes(raw))
