"""How a document is cut."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.documents._extract import extract
from allotment.documents._sections import Cut, cut
from allotment.documents._tokens import estimate_tokens
from allotment.project import SectionsConfig

WORDS = "The ferry leaves the north pier early and nobody waits for late guests."


LIMITS = SectionsConfig()


def cuts(text: str, suffix: str = ".md", limits: SectionsConfig = LIMITS) -> list[tuple[Cut, str]]:
    document = extract(suffix, text.encode("utf-8"))
    return [(place, document.text[place.start : place.end]) for place in cut(document, limits)]


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
@given(
    MARKDOWN.filter(lambda text: "\0" not in text),
    st.sampled_from([".md", ".txt"]),
    st.sampled_from([SectionsConfig(), SectionsConfig(floor_tokens=8, ceiling_tokens=64)]),
)
def test_sections_are_exact_ordered_spans_without_overlap_and_none_exceeds_the_ceiling(
    text: str, suffix: str, limits: SectionsConfig
) -> None:
    raw = text.encode("utf-8", errors="ignore")
    document = extract(suffix, raw)
    end = 0
    for place in cut(document, limits):
        piece = document.text[place.start : place.end]
        assert end <= place.start < place.end <= len(document.text)
        assert piece == piece.strip("\n") and piece.strip()
        assert estimate_tokens(piece) + estimate_tokens(place.header) <= limits.ceiling_tokens
        end = place.end


@settings(max_examples=60, deadline=None)
@given(MARKDOWN.filter(lambda text: "\0" not in text), st.sampled_from([".md", ".txt"]))
def test_no_word_of_a_document_with_sections_is_lost(text: str, suffix: str) -> None:
    document = extract(suffix, text.encode("utf-8", errors="ignore"))
    sections = cut(document, LIMITS)
    covered = {position for place in sections for position in range(place.start, place.end)}
    for block in document.blocks if sections else ():
        if block.kind != "heading":
            missing = [n for n in range(block.start, block.end) if n not in covered and document.text[n].strip()]
            assert missing == []


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
def test_a_code_block_that_fits_is_never_cut_and_its_comments_are_no_headings(fence: str) -> None:
    code = f"{fence}py\n" + "# comment = 1\n\n" * 60 + fence
    pieces = [piece for _, piece in cuts(f"# A\n\n{WORDS * 12}\n\n{code}\n\n{WORDS * 12}\n")]
    assert sum(code in piece for piece in pieces) == 1
    assert all(piece.count(fence) in (0, 2) for piece in pieces)


def test_a_code_block_larger_than_a_section_is_cut_between_lines() -> None:
    line = "result = compute(first, second, third)  # a remark"
    pieces = [piece for _, piece in cuts(f"# A\n\n{WORDS}\n\n```py\n" + f"{line}\n" * 100 + f"```\n\n{WORDS}\n")]
    inside = [got for piece in pieces for got in piece.split("\n") if "compute" in got]
    assert len(pieces) > 2
    assert inside == [line] * 100


def test_a_long_section_is_cut_between_paragraphs_below_the_ceiling() -> None:
    paragraph = f"{WORDS} " * 10
    result = cuts("# A\n\n" + "\n\n".join([paragraph] * 9))
    assert len(result) > 1
    assert all(place.tokens <= LIMITS.ceiling_tokens and piece.endswith(WORDS) for place, piece in result)
    assert {place.heading_path for place, _ in result} == {("A",)}


def test_a_table_larger_than_a_section_is_cut_between_rows_and_its_header_goes_along() -> None:
    header = "| Gate | Opens | Who may pass |\n|---|---|---|"
    rows = [f"| G{n} | {n % 24}:00 | drivers of company number {n} and their guests |" for n in range(80)]
    result = cuts(f"# Gates\n\n{WORDS}\n\n" + "\n".join([header, *rows]) + "\n")
    assert len(result) > 2
    assert [
        row for _, piece in result for row in piece.split("\n") if row.startswith("| G") and "Gate" not in row
    ] == rows
    first, *others = result
    assert header in first[1] and first[0].header == ""
    assert all(place.header == header and header not in piece for place, piece in others)


def test_a_table_row_that_fits_is_never_torn() -> None:
    row = "| " + " ".join(f"word{n}" for n in range(60)) + " |"
    result = cuts(f"# A\n\n{WORDS}\n\n| head |\n|---|\n" + f"{row}\n" * 12)
    assert sum(piece.count(row) for _, piece in result) == 12


def test_an_edit_early_in_a_long_run_leaves_the_later_cuts_where_they_were() -> None:
    paragraphs = [
        f"Rule {n}. {WORDS} Whoever is number {n * 7919 % 1000} waits at gate {n * 104729 % 977}." for n in range(120)
    ]
    before = {piece for _, piece in cuts("\n\n".join(paragraphs), ".txt")}
    edited = [f"{WORDS} {WORDS} {WORDS} One rule more.", *paragraphs]
    after = {piece for _, piece in cuts("\n\n".join(edited), ".txt")}
    assert len(before) > 8
    assert len(before - after) <= 3


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
