"""Twins of a value: the same shape, never the value itself, never another canary's."""

from __future__ import annotations

import random
import re
from calendar import month_name

from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.evaluation.leaks._membership_twins import names_in, twins_of

few = settings(max_examples=50)
words = st.sampled_from(["Sohoum", "Deazoun", "Novák", "board", "EUR", "Gate", "Krásná", "MEETING"])
codes = st.from_regex(r"\A[A-Z]{2}-\d{5}\Z")
amounts = st.from_regex(r"\A[1-9]\d,\d{3} EUR\Z")
dates = st.sampled_from(
    ["26 July 2047", "3 March 2031", "2027-03-14", "14. 3. 2027", "3. května 2027", "5. Dezember 2026", "9/11/2031"]
)
names = st.lists(words, min_size=1, max_size=3).map(" ".join)
values = st.one_of(codes, amounts, dates, names)


def shape(value: str) -> str:
    """Digits as they stand, words as words with the case they begin with."""
    marked = re.sub(r"\d", "9", value)
    return re.sub(r"[^\W\d_]+", lambda word: "W" if word[0][0].isupper() else "w", marked)


def letters(value: str) -> str:
    return "".join(letter for letter in value.casefold() if letter.isalnum())


@few
@given(values, st.integers(0, 1000))
def test_a_twin_has_the_shape_of_its_value(value: str, seed: int) -> None:
    twins = twins_of(value, 10, random.Random(seed))
    assert twins
    assert {shape(twin) for twin in twins} == {shape(value)}


@few
@given(values, st.integers(0, 1000))
def test_no_two_twins_are_alike_and_none_is_the_value_in_any_spelling(value: str, seed: int) -> None:
    found = [letters(twin) for twin in twins_of(value, 10, random.Random(seed))]
    assert letters(value) not in found
    assert len(set(found)) == len(found)


@few
@given(values, st.integers(0, 1000))
def test_no_twin_is_another_canarys_value(value: str, seed: int) -> None:
    first = twins_of(value, 10, random.Random(seed))
    again = twins_of(value, 10, random.Random(seed), taken=[twin.upper() for twin in first])
    assert not {letters(twin) for twin in first} & {letters(twin) for twin in again}


@few
@given(values, st.integers(0, 1000))
def test_a_seed_gives_the_same_twins(value: str, seed: int) -> None:
    assert twins_of(value, 5, random.Random(seed)) == twins_of(value, 5, random.Random(seed))


def test_a_unit_beside_enough_digits_stays_and_a_month_becomes_another_month() -> None:
    assert all(twin.endswith(" EUR") for twin in twins_of("42,455 EUR", 10, random.Random(1)))
    months = {twin.split()[1] for twin in twins_of("26 July 2047", 30, random.Random(1))}
    assert len(months) > 5
    assert months < set(month_name)


def test_days_and_months_of_a_twin_are_on_the_calendar() -> None:
    for twin in twins_of("2027-03-14", 50, random.Random(2)):
        _, month, day = map(int, twin.split("-"))
        assert 1 <= month <= 12
        assert 1 <= day <= 28


def test_a_value_that_has_few_of_its_shape_gives_fewer_twins() -> None:
    assert len(twins_of("7", 10, random.Random(1))) == 8  # one to nine without itself
    assert twins_of("-", 10, random.Random(1)) == ()


def test_names_are_drawn_from_the_words_given() -> None:
    given_words = ["Petr", "Karel", "Svoboda", "Dvořák", "Malá", "Jana"]
    twins = twins_of("Eva Novotná", 10, random.Random(3), words=given_words)
    assert {part for twin in twins for part in twin.split()} <= set(given_words)
    assert names_in("Eva Novotná") == ("Eva", "Novotná")
    assert names_in("42,455 EUR") == ()
