"""Sections told anew keep only what they say; sections as they stand lose no word."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_section import made_section

from allotment.dataset._whole import PART_CHARACTERS, ask_for, check_rewrite, parts_of, titles_of
from allotment.documents import split_sentences
from allotment.project import Rewrite

HARBOUR = made_section(
    "The ferry Osprey leaves the north pier at 6:40. Spare ropes are kept in the shed Walnut."
    " A lost life vest costs 25 EUR and is paid at the office."
)
TRUE = "The ferry Osprey sails from the north pier at 6:40. Whoever loses a life vest pays 25 EUR at the office."


@pytest.mark.parametrize(
    "invented",
    [
        "The ferry Osprey leaves the north pier at 7:40.",
        "The ferry Heron leaves the north pier at 6:40.",
        "Does a lost life vest cost 95 EUR, paid at the office?",
        "Tickets are sold by volunteers in bright yellow coats.",
        "The ferry Osprey does not leave the north pier at 6:40.",
        "Spare ropes and life vests are kept in the shed Walnut.",
        "As the text says, spare ropes are kept in the shed Walnut.",
    ],
    ids=["number", "name", "number in a question", "claim", "denial", "addition", "pointing at the text"],
)
def test_a_sentence_the_section_does_not_say_is_dropped_and_the_others_stand(invented: str) -> None:
    found = check_rewrite(f"{invented} {TRUE}", "summary", HARBOUR, "en")
    assert (found.text, found.reason, found.dropped) == (TRUE, "", 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "schema"),
        ("..", "schema"),
        (TRUE * 20, "length"),
        ("Přívoz Osprey odplouvá od severního mola v 6:40 a kdo ztratí vestu, zaplatí v kanceláři 25 EUR.", "language"),
        ("The text says that the ferry Osprey leaves the north pier at 6:40.", "not-supported"),
        ("According to this passage spare ropes are kept in the shed Walnut.", "not-supported"),
        ("I cannot help with that request, and I am sorry about it.", "not-supported"),
    ],
)
def test_a_rewrite_of_which_nothing_stands_is_rejected_with_its_reason(text: str, reason: str) -> None:
    found = check_rewrite(text, "summary", HARBOUR, "en")
    assert (found.text, found.reason) == ("", reason)


def test_a_dialogue_is_kept_turn_by_turn_and_needs_two_that_tell_something() -> None:
    turns = [
        "- When does the ferry Osprey leave?",
        "Ann: The ferry Osprey leaves the north pier at 6:40.",
        "Ben: And a lost life vest costs 90 EUR.",
        "B: A lost life vest costs 25 EUR.",
    ]
    told = check_rewrite("\n".join(turns), "dialogue", HARBOUR, "en")
    assert told.text.splitlines() == [
        "– When does the ferry Osprey leave?",
        "– The ferry Osprey leaves the north pier at 6:40.",
        "– A lost life vest costs 25 EUR.",
    ]
    assert told.dropped == 1
    assert check_rewrite("\n".join(turns[:3]), "dialogue", HARBOUR, "en").reason == "not-supported"


def test_a_czech_section_told_anew_in_czech_stands() -> None:
    section = made_section("Přívoz Volavka odplouvá od severního mola v 6:40. Ztracená vesta stojí 25 EUR.", "cs")
    text = "Od severního mola odplouvá přívoz Volavka v 6:40."
    assert check_rewrite(f"{text} Ztracená vesta stojí 95 EUR.", "summary", section, "cs").text == text


_TOLD = st.lists(st.sampled_from([*split_sentences(HARBOUR.text), *split_sentences(TRUE)]), min_size=1)
_STRANGE = st.text(max_size=40) | st.integers(100, 999).map(lambda n: f"The ferry Osprey leaves pier {n} at 6:40.")


@settings(max_examples=60)
@given(told=_TOLD, strange=st.lists(_STRANGE, max_size=3), form=st.sampled_from(["summary", "explanation", "dialogue"]))
def test_whatever_stands_of_a_rewrite_has_no_number_the_section_does_not_have(
    told: Sequence[str], strange: Sequence[str], form: Rewrite
) -> None:
    found = check_rewrite("\n".join([*strange, *told]), form, HARBOUR, "en")
    assert bool(found.text) != bool(found.reason)
    assert set(re.findall(r"\d+", found.text)) <= set(re.findall(r"\d+", HARBOUR.text))


_LINES = st.sampled_from(
    [
        "Ropes are dry. Boats are wet!",
        "| a | b |",
        "|---|---|",
        "- a point",
        "## head",
        "word " * 90,
        "x" * 1300,
        "",
        "Č. 5",
    ]
)
_TEXTS = st.lists(_LINES | st.text(max_size=200), max_size=20).map("\n".join)


@settings(max_examples=150)
@given(_TEXTS)
def test_the_parts_of_a_text_have_all_its_words_in_their_order_and_fit(text: str) -> None:
    parts = list(parts_of(made_section(text)))
    assert re.findall(r"\w+", " ".join(parts)) == re.findall(r"\w+", text)
    for part in parts:
        assert len(part) <= PART_CHARACTERS or part in split_sentences(text) or part == text


def test_a_long_text_is_cut_and_each_part_has_its_own_question() -> None:
    text = " ".join(f"Boat number {n} is moored at the long pier of the harbour." for n in range(60))
    parts = list(parts_of(made_section(text)))
    asked = {ask_for("text", "Boats", "en", number) for number, _ in enumerate(parts, start=1)}
    assert 1 < len(parts) == len(asked)


_HEADINGS = st.lists(st.sampled_from(["Boats", "Boats (2)", "Fees", "Fees – Boats"]), max_size=2)


@given(st.lists(_HEADINGS, max_size=12))
def test_every_section_has_a_title_of_its_own(headings: Sequence[Sequence[str]]) -> None:
    sections = [made_section(str(n), path=path) for n, path in enumerate(headings)]
    titles = titles_of(sections)
    assert len(set(titles.values())) == len(titles) == len(sections)


@pytest.mark.parametrize("form", ["summary", "explanation", "dialogue", "text"])
def test_the_ask_names_the_title_in_its_language_and_english_where_none_is_written(form: str) -> None:
    asked = {language: ask_for(form, "Lodě", language) for language in ("en", "cs", "sk", "de", "und")}
    assert all("Lodě" in question for question in asked.values())
    assert asked["und"] == asked["en"]
    assert len(set(asked.values())) == 4
