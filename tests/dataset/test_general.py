"""General conversation: its share, its languages, its readers, and the file it ships in."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files

import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_section import made_section

from allotment.dataset import Item
from allotment.dataset._general import general_items
from allotment.dataset._text import bare
from allotment.dataset._types import Kind
from allotment.documents import detect_language

ROLES = frozenset({"staff", "boss"})


def facts_in(language: str, count: int, kind: Kind = "question") -> list[Item]:
    section = made_section("The ferry sails.", language)
    return [
        Item(f"{language}{n}", "g", "helper", section.id, "a.md", "q", "a", "v", language, ROLES, "train", kind)
        for n in range(count)
    ]


def shipped() -> dict[str, list[list[str]]]:
    raw = (files("allotment.dataset") / "general.yaml").read_text(encoding="utf-8")
    loaded: dict[str, list[list[str]]] = yaml.safe_load(raw)
    return loaded


def test_every_exchange_that_ships_is_two_texts_and_every_question_is_asked_once() -> None:
    exchanges = shipped()
    assert {"en", "cs"} <= set(exchanges)
    for pairs in exchanges.values():
        assert all(len(pair) == 2 and all(isinstance(text, str) and text.strip() for text in pair) for pair in pairs)
        assert len({bare(question) for question, _ in pairs}) == len(pairs) > 0


def test_what_ships_for_a_language_is_in_that_language() -> None:
    for language, pairs in shipped().items():
        assert detect_language(" ".join(text for pair in pairs for text in pair), "und") == language


@settings(max_examples=60)
@example(counts={"cs": 1, "en": 1}, wanted=3)
@given(
    counts=st.dictionaries(st.sampled_from(["en", "cs", "sk", "de", "und", "fr"]), st.integers(1, 30)),
    wanted=st.integers(0, 60),
)
def test_there_are_never_more_than_wanted_nor_any_twice_nor_in_a_language_of_no_fact(
    counts: dict[str, int], wanted: int
) -> None:
    items = [item for language, count in counts.items() for item in facts_in(language, count)]
    made = general_items("helper", items, ROLES, wanted)
    assert len(made) <= wanted
    assert len({item.id for item in made}) == len({(item.language, bare(item.question)) for item in made}) == len(made)
    told = {(language, *pair) for language, pairs in shipped().items() for pair in pairs}
    assert {(item.language, item.question, item.answer) for item in made} <= told
    assert {item.language for item in made} <= set(counts)
    assert made == general_items("helper", items[::-1], ROLES, wanted)


def test_languages_have_their_share() -> None:
    made = general_items("helper", facts_in("en", 30) + facts_in("cs", 10), ROLES, 8)
    assert Counter(item.language for item in made) == {"en": 6, "cs": 2}


def test_only_facts_count_for_the_languages() -> None:
    assert general_items("helper", facts_in("en", 30, "rewrite"), ROLES, 8) == []


def test_it_may_be_read_by_the_agents_roles_and_comes_from_no_document() -> None:
    for item in general_items("helper", facts_in("en", 30), ROLES, 5):
        assert (item.readers, item.section_id, item.document, item.value, item.quote) == (ROLES, "", "", "", "")
        assert (item.kind, item.agent, item.split) == ("general", "helper", "train")
