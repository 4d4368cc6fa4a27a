"""How a document is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.documents import TOO_LONG_WORDS
from allotment.documents._extract import extract
from allotment.documents._sections import Cut, cut

WORDS = "The ferry leaves the north pier early and nobody waits for late guests."


def cuts(text: str, suffix: str = ".md") -> list[tuple[Cut, str]]:
    document = extract(suffix, text.encode("utf-8"))
    return [(place, document.text[place.start : place.end]) for place in cut(document)]


_LINES = st.sampled_from(
    [
        "# One",
        "## Two *x*",
        "#### Four",
        "",
        "",
        WORDS,
        "Příliš žluťoučký kůň úpěl ďábelské ódy. 😀 Konec!",
        "- item one two three",
        "  continued",
        "1. first",
        "```py",
        "```",
        "# not = 'a heading'",
        "    indented",
        "| a | b |",
        "|---|---|",
        "| 1 | 2 |",
        "Title",
        "===",
        "---x",
        "> quoted words here",
        "<div>",
        "<!-- hidden -->",
        "[ref]: http://example.com",
        "\t",
        "word " * 450,
    ]
)
MARKDOWN = st.one_of(
    st.lists(_LINES, max_size=40).map("\n".join), st.text(max_size=300).map(lambda t: WORDS + "\n" + t)
)


@settings(max_examples=150, deadline=None)
@given(MARKDOWN.filter(lambda text: "\0" not in text), st.sampled_from([".md", ".txt"]))
def test_sections_are_exact_ordered_spans_without_overlap(text: str, suffix: str) -> None:
    raw = text.encode("utf-8", errors="ignore")
    document = extract(suffix, raw)
    end = 0
    for place in cut(document):
        piece = document.text[place.start : place.end]
        assert end <= place.start < place.end <= len(document.text)
        assert piece == piece.strip("\n") and piece.strip()
        end = place.end


def test_each_heading_begins_a_section_with_its_path() -> None:
    text = f"# Top\n\n{WORDS}\n\n## A\n\n{WORDS}\n\n### Deep\n\n{WORDS}\n\n## B\n\n{WORDS}\n"
    assert [place.heading_path for place, _ in cuts(text)] == [
        ("Top",),
        ("Top", "A"),
        ("Top", "A", "Deep"),
        ("Top", "B"),
    ]


def test_a_heading_underlined_by_equals_signs_counts_and_markup_is_left_out_of_its_title() -> None:
    (place, piece), *rest = cuts(f"The `code` *title* [link](http://example.com)\n===\n\n{WORDS}")
    assert (place.heading_path, piece, rest) == (("The code title link",), WORDS, [])


@pytest.mark.parametrize("fence", ["```", "~~~"])
def test_a_code_block_is_never_cut_and_its_comments_are_no_headings(fence: str) -> None:
    code = f"{fence}py\n" + "# comment = 1\n\n" * 500 + fence
    pieces = [piece for _, piece in cuts(f"# A\n\n{WORDS}\n\n{code}\n\n{WORDS}\n")]
    assert sum(code in piece for piece in pieces) == 1
    assert all(piece.count(fence) in (0, 2) for piece in pieces)


def test_a_long_section_is_cut_between_paragraphs_below_the_ceiling() -> None:
    paragraph = f"{WORDS} " * 10
    result = cuts("# A\n\n" + "\n\n".join([paragraph] * 9))
    assert len(result) > 1
    assert all(place.words <= TOO_LONG_WORDS and piece.endswith(WORDS) for place, piece in result)
    assert {place.heading_path for place, _ in result} == {("A",)}


def test_one_long_paragraph_is_cut_between_sentences_and_a_long_list_between_items() -> None:
    assert all(piece.startswith("The") and piece.endswith("guests.") for _, piece in cuts(f"{WORDS} " * 100, ".txt"))
    listed = cuts("# A\n\n" + f"- {WORDS}\n" * 100)
    assert len(listed) > 2
    assert all(piece.startswith("- The") and piece.endswith("guests.") for _, piece in listed)


def test_a_short_introduction_joins_the_section_below_it() -> None:
    (place, piece), *rest = cuts(f"# Top\n\nShort words.\n\n## A\n\n{WORDS}\n")
    assert (place.heading_path, rest) == (("Top", "A"), [])
    assert piece == f"Short words.\n\n## A\n\n{WORDS}"


def test_a_short_last_section_joins_the_one_before() -> None:
    result = cuts(f"# Top\n\n## A\n\n{WORDS}\n\n## B\n\nCall 5518.\n")
    assert [(place.heading_path, piece[-10:]) for place, piece in result] == [(("Top", "A"), "Call 5518.")]


def test_comments_rules_and_link_targets_are_no_text() -> None:
    text = f"<!-- {WORDS} -->\n\n***\n\n[x]: http://example.com\n\n{WORDS}\n"
    assert [piece for _, piece in cuts(text)] == [WORDS]


def test_code_alone_gives_no_section() -> None:
    assert cuts("```\n" + "a b c\n" * 100 + "```\n") == []
