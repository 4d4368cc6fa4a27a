"""Unanswerable questions: nothing any section says answers them, and the honest answer is in their language."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from made_section import made_section

from allotment.dataset import Item, unknown_answer
from allotment.dataset._text import bare, stems
from allotment.dataset._types import Kind
from allotment.dataset._unknown import unknown_items
from allotment.documents import Section
from allotment.workspace import hash_json

_NAMES = ["Osprey", "Walnut", "Ada Long", "Velmor", "Tesdan", "Korrin"]
_WORDS = ["ferry", "leaves", "roof", "colour", "song", "blood", "střecha", "barvu", "actor", "film", "pier", "ropes"]
_TEXT = st.lists(st.sampled_from([*_NAMES, *_WORDS]), min_size=2, max_size=12).map(" ".join)
_LANGUAGES = st.sampled_from(["en", "cs", "sk", "de", "und"])
_SECTION = st.tuples(_TEXT, _LANGUAGES, st.sampled_from([("Harbour",), ("Rules", "Lodě"), (), ("Osprey",)]))


def asked_about(section: Section, question: str, kind: Kind = "question", agent: str = "helper") -> Item:
    key = hash_json([section.id, question])[:16]
    return Item(
        key, key, agent, section.id, section.document, question, "It is 6:40.", "6:40", section.language,
        section.readers, "train", kind,
    )  # fmt: skip


def _made(drawn: Sequence[tuple[str, str, tuple[str, ...]]]) -> tuple[list[Section], list[Item]]:
    sections = [made_section(text, language, path, f"{n}.md") for n, (text, language, path) in enumerate(drawn)]
    items = []
    for section in sections:
        words = section.text.split()
        items += [
            asked_about(section, f"When does {' '.join(words[n : n + 3])} come?") for n in range(0, len(words), 3)
        ]
    return sections, items


def _words_of(sections: Sequence[Section]) -> frozenset[str]:
    return stems(" ".join(f"{' '.join(section.heading_path)} {section.text}" for section in sections))


@settings(max_examples=80)
@given(drawn=st.lists(_SECTION, min_size=1, max_size=4), wanted=st.integers(0, 12))
def test_what_distinguishes_an_unknown_question_stands_in_no_section_of_the_agent(
    drawn: Sequence[tuple[str, str, tuple[str, ...]]], wanted: int
) -> None:
    sections, items = _made(drawn)
    known = _words_of(sections) | stems(" ".join(item.question for item in items))
    by_id = {section.id: section for section in sections}
    made = unknown_items("helper", items, sections, wanted)
    assert len(made) <= wanted
    assert len({bare(item.question) for item in made}) == len(made)
    for item in made:
        section = by_id[item.section_id]
        own = stems(" ".join((*section.heading_path, *(one.question for one in items if one.section_id == section.id))))
        assert stems(item.question) - known, "some word of it is nowhere"
        assert not (stems(item.question) - own) & _words_of(sections)
        assert (item.answer, item.language) == (unknown_answer(section.language), section.language)
        assert (item.readers, item.document, item.kind, item.value) == (
            section.readers,
            section.document,
            "unknown",
            "",
        )


@settings(max_examples=40)
@given(drawn=st.lists(_SECTION, min_size=1, max_size=4), wanted=st.integers(0, 12), seed=st.integers())
def test_the_same_items_in_any_order_give_the_same_questions(
    drawn: Sequence[tuple[str, str, tuple[str, ...]]], wanted: int, seed: int
) -> None:
    sections, items = _made(drawn)
    mixed = random.Random(seed).sample(items, len(items))
    first = unknown_items("helper", items, sections, wanted)
    assert unknown_items("helper", mixed, sections[::-1], wanted) == first
    assert unknown_items("helper", items, sections, wanted + 5)[: len(first)] == first


def test_enough_facts_give_as_many_questions_as_are_wanted() -> None:
    section = made_section("The ferry Osprey leaves the pier. Ropes are kept in the shed Walnut.")
    items = [asked_about(section, f"When does the ferry Osprey leave on day {n}?") for n in range(20)]
    made = unknown_items("helper", items, [section], 10)
    assert len(made) == 10
    assert any("Osprey" not in item.question and "Harbour" not in item.question for item in made), "a made-up name"


def test_a_name_is_replaced_as_a_whole_word_alone() -> None:
    section = made_section("We met Ada and Adam there.", path=())
    made = unknown_items("helper", [asked_about(section, "Where did Adam meet Ada then?")], [section], 9)
    assert len(made) == 1
    assert "Adam" not in made[0].question and "Ada " in made[0].question


def test_nothing_is_made_of_a_section_that_is_not_given() -> None:
    given_one, other = made_section("The ferry Osprey sails."), made_section("The boat Heron sails.", document="b.md")
    items = [asked_about(given_one, "When does the Osprey sail?"), asked_about(other, "When does the Heron sail?")]
    made = unknown_items("helper", items, [given_one], 50)
    assert {item.section_id for item in made} == {given_one.id}
    assert not any("Heron" in item.question for item in made)


def test_a_question_another_section_may_answer_is_not_made() -> None:
    asked = made_section("The ferry sails.", path=("Harbour",))
    teller = made_section("roof colour blood club football shoe song nickname statue actor film", document="b.md")
    item = asked_about(asked, "When does the ferry sail?")
    assert unknown_items("helper", [item], [asked], 9)
    told = [made.question for made in unknown_items("helper", [item], [asked, teller], 9)]
    assert all(not stems(question) & stems(teller.text) for question in told)


def test_only_questions_forwards_are_built_on() -> None:
    section = made_section("The ferry Osprey sails.")
    kinds: list[Kind] = ["paraphrase", "reverse", "rewrite", "text", "general"]
    items = [asked_about(section, "When does the Osprey sail?", kind) for kind in kinds]
    assert unknown_items("helper", items, [section], 9) == []


def test_not_knowing_is_said_in_four_languages_and_in_english_elsewhere() -> None:
    assert len({unknown_answer(language) for language in ("en", "cs", "sk", "de")}) == 4
    assert unknown_answer("und") == unknown_answer("en")
