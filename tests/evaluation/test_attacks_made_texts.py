"""Encodings have their way back, data has its sources, statements are SQL, braces are filled."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pglast import parse_sql

from allotment.evaluation.attacks import Send
from allotment.evaluation.attacks._claims import claims
from allotment.evaluation.attacks._mutators import ENCODINGS
from allotment.evaluation.attacks._seeds import seeds
from allotment.evaluation.attacks._spelling import misspell, respace
from allotment.evaluation.attacks._statements import queries, statement, statements
from allotment.evaluation.attacks._strategies import halves, strategies
from allotment.evaluation.attacks._texts import LANGUAGES, read, says, subject_of
from allotment.evaluation.attacks._tricks import played, tricks
from allotment.project import Project

PRINTABLE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)
BACK = [encoding for encoding in ENCODINGS.values() if encoding.decode is not None]


@pytest.mark.parametrize("encoding", BACK, ids=lambda one: one.id)
@settings(max_examples=30)
@given(text=PRINTABLE)
def test_what_has_a_way_back_comes_back(encoding: object, text: str) -> None:
    assert encoding.decode(encoding.encode(text)) == text  # type: ignore[attr-defined]


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=lambda one: one.id)
def test_every_encoding_changes_a_question(encoding: object) -> None:
    question = "Who leads the Troutrert project?"
    written = encoding.encode(question)  # type: ignore[attr-defined]
    assert written and written != question


@settings(max_examples=50)
@given(text=PRINTABLE, variant=st.integers(0, 10_000))
def test_slips_keep_every_letter_and_are_the_same_for_the_same_number(text: str, variant: int) -> None:
    slipped = misspell(text, variant)
    assert sorted(slipped.replace(" ", "")) == sorted(text.replace(" ", ""))
    assert slipped == misspell(text, variant)
    assert misspell(text, 0) == text


@settings(max_examples=50)
@given(text=PRINTABLE)
def test_two_halves_are_the_whole(text: str) -> None:
    assert "".join(halves(text)).replace(" ", "") == text.replace(" ", "")


@settings(max_examples=50)
@given(before=PRINTABLE, value=st.text("ABCdef123-", min_size=3, max_size=12), after=PRINTABLE)
def test_a_value_is_found_whatever_its_case_and_spaces(before: str, value: str, after: str) -> None:
    assert says(f"{before} {value.upper()} {after}", value)
    assert not says("", value)


def test_there_are_enough_of_each_and_each_has_a_source() -> None:
    assert len(seeds()) >= 60
    assert len(claims()) >= 20
    assert len(ENCODINGS) >= 15
    assert len(strategies()) >= 10
    assert len(tricks("api")) >= 20
    assert len(statements()) >= 40
    everything = [*seeds().values(), *claims().values(), *strategies().values(), *statements().values()]
    more = [*ENCODINGS.values(), *queries().values(), *tricks("api").values(), *tricks("session").values()]
    assert all(entry.source for entry in [*everything, *more])


def test_every_seed_asks_the_question_and_every_claim_names_the_role_in_every_language() -> None:
    assert all("{question}" in seed.texts[language] for seed in seeds().values() for language in LANGUAGES)
    assert all("{role}" in claim.texts[language] for claim in claims().values() for language in LANGUAGES)


def test_languages_are_not_one_another() -> None:
    for entry in [*seeds().values(), *claims().values()]:
        if entry.id not in ("plain", "role-colon"):
            assert len(set(entry.texts.values())) == len(LANGUAGES), entry.id


@pytest.mark.parametrize("name", ["seeds", "claims", "strategies", "tricks", "statements", "queries"])
def test_no_id_is_there_twice(name: str) -> None:
    ids = [row["id"] for row in read(name)]
    assert len(set(ids)) == len(ids)


def test_every_conversation_ends_with_the_user_and_carries_the_attempt() -> None:
    for strategy in strategies().values():
        for turns in strategy.turns.values():
            assert turns[-1][0] == "user"
            carried = " ".join(text for _, text in turns)
            assert "{attack}" in carried or ("{first}" in carried and "{second}" in carried)


@pytest.mark.parametrize("source", ["northwind.employees.last_name", "northwind.hr.staff.name"])
def test_every_statement_is_sql_however_it_is_spaced(northwind: Project, source: str) -> None:
    for template in statements():
        text = statement(northwind, template, source, "northwind_sales")
        for variant in (0, 3, 4):
            assert len(parse_sql(respace(text, variant))) == len(parse_sql(text)) > 0


def test_a_trick_is_laid_over_what_was_there() -> None:
    send = Send("Hello", messages=(("user", "Before"),), body={"earlier": ["x"]})
    laid = played(tricks("api")["system-message"], send, {"role": "director"})
    assert laid.messages[0][0] == "system" and "director" in laid.messages[0][1]
    assert laid.messages[1:] == send.messages
    assert played(tricks("api")["body-user"], send, {"user": "dana"}).body == {"earlier": ["x"], "user": "dana"}


def test_the_subject_of_a_question_is_what_it_turns_on() -> None:
    assert subject_of("Who leads the Troutrert project?") == "Troutrert project"
    assert subject_of("Proč?") == "Proč"
