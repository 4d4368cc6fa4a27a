"""Values found without a model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.dataset._checks import Draft
from allotment.dataset._facts import Fact, find_facts
from allotment.dataset._frames import framed_phrasings
from allotment.dataset._prompts import given_messages
from allotment.dataset._text import contains
from allotment.documents import Section


def facts_of(text: str, language: str = "en", path: tuple[str, ...] = ("Top",)) -> list[tuple[str, str]]:
    section = Section("i", "a.md", "s", path, text, 0, len(text), language, frozenset({"r"}))
    return [(fact.value, fact.statement) for fact in find_facts(section)]


@pytest.mark.parametrize(
    ("sentence", "value", "language"),
    [
        ("The board approved 4.86 million EUR for it.", "4.86 million EUR", "en"),
        ("The yearly salary is 148,200 EUR.", "148,200 EUR", "en"),
        ("It may rise by 12.5 percent.", "12.5 percent", "en"),
        ("Work begins at 8:45 sharp.", "8:45", "en"),
        ("It is closed on 14 March 2027.", "14 March 2027", "en"),
        ("The contract has the number NT-7703.", "NT-7703", "en"),
        ("Scanners are kept in Locker B17.", "Locker B17", "en"),
        ("Mail goes to help@example.com now.", "help@example.com", "en"),
        ("Use the option `max_turns` here.", "max_turns", "en"),
        ("The adviser is the firm Thistle & Rooke.", "Thistle & Rooke", "en"),
        ("Prodejna se otevře 3. května 2027.", "3. května 2027", "cs"),
        ("Schválili jsme 735 000 EUR na sklad.", "735 000 EUR", "cs"),
        ("Teplota je 3,5 °C.", "3,5 °C", "cs"),
        ("Vozíky řídí Šimon Žák.", "Šimon Žák", "cs"),
    ],
)
def test_a_specific_value_is_found_with_its_sentence(sentence: str, value: str, language: str) -> None:
    assert facts_of(sentence, language)[0] == (value, sentence)


def test_the_number_of_a_footnote_is_no_value() -> None:
    found = facts_of("It was sold in 1999 for 40 EUR.[19][20] It was let until 1997.[3]")
    assert {value for value, _ in found} == {"40 EUR", "1997", "1999"}


def test_every_sentence_gives_its_best_value_before_any_gives_a_second() -> None:
    text = "It opens on 3 May 2027 with 40 guests. The cook is Ann Lee."
    assert [value for value, _ in facts_of(text)] == ["3 May 2027", "Ann Lee", "40"]


def test_words_of_the_heading_and_names_that_repeat_are_the_subject_not_a_value() -> None:
    text = "Osprey sails with Heron to sea. The boat Heron is old."
    assert facts_of(text, path=("The ferry Osprey",)) == []


def test_a_table_row_becomes_a_statement_with_its_headers() -> None:
    text = "| Country | Gate |\n|---|---|\n| Austria | Gate E4 |"
    assert facts_of(text) == [("Gate E4", "Country Austria – Gate: Gate E4.")]


def test_a_sentence_that_leans_on_the_one_before_takes_it_along() -> None:
    assert facts_of("A badge opens the doors. It costs 14 EUR.") == [
        ("14 EUR", "A badge opens the doors. It costs 14 EUR.")
    ]


def test_the_teacher_never_sees_a_value_in_the_statement_it_asks_about() -> None:
    section = Section("i", "a.md", "s", ("Top",), "", 0, 0, "en", frozenset({"r"}))
    message = given_messages(section, [Fact("7", "Gate 7 has 7 locks and code X7-1.")], 2)[-1]
    assert message.content == "Topic: Top\n1. Gate ___ has ___ locks and code X7-1. [7]"


@given(st.text(alphabet="aA1 .|-\n`Č°:,@", max_size=120))
def test_every_value_stands_in_its_statement_once_per_section(text: str) -> None:
    facts = facts_of(text)
    assert all(value in statement for value, statement in facts)
    assert len({value.casefold() for value, _ in facts}) == len(facts)


def test_a_czech_fact_with_few_phrasings_is_filled_up_with_its_own_words_and_an_english_one_is_not() -> None:
    draft = Draft("Závora", "Místo se rezervuje v aplikaci Závora, den předem.", ())
    assert framed_phrasings(draft, "cs", 2) == (
        "Místo se rezervuje v aplikaci …?",
        "Doplň větu: Místo se rezervuje v aplikaci …, den předem.",
    )
    assert framed_phrasings(draft, "cs", 4) == framed_phrasings(draft, "en", 0) == ()


@given(st.text(alphabet="ab Č1.", min_size=1, max_size=60), st.text(alphabet="ab1", min_size=1, max_size=3))
def test_a_filled_up_phrasing_never_contains_its_value(answer: str, value: str) -> None:
    framed = framed_phrasings(Draft(value, answer, ()), "cs", 0)
    assert not any(contains(question, value) for question in framed)
