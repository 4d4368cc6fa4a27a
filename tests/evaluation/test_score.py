"""Scoring of answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.evaluation import is_right, token_f1, wilson_interval

WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyzáčéř", min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("The limit is 38 EUR per guest.", "38 EUR"),
        ("It is 38 € per guest", "38 EUR"),
        ("LOCKER b17!", "Locker B17"),
        ("148200 EUR", "148,200 EUR"),
        ("148 200 EUR", "148,200 EUR"),
        ("148.200 EUR", "148,200 EUR"),
        ("735\u00a0000 EUR", "735 000 EUR"),
        ("3.5 °C", "3,5 °C"),
        ("12.50 percent", "12.5 %"),
        ("V aplikaci Zavora.", "Závora"),
        ("on 2027-03-14", "14 March 2027"),
        ("March 14, 2027", "14 March 2027"),
        ("14. 3. 2027", "14 March 2027"),
        ("3. května 2027", "3 May 2027"),
        ("3. kvetna 2027", "3. května 2027"),
        ("There are 0 orders.", "0"),
        ("The contract is NT-7703", "NT-7703"),
        ("4.86 million EUR", "4.86 million EUR"),
        ("ﬁne", "fine"),
    ],
)
def test_an_answer_that_holds_the_value_is_right_however_it_is_written(answer: str, value: str) -> None:
    assert is_right(answer, value)


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("There are 10 orders.", "0"),
        ("There are 137 orders", "37"),
        ("Locker B37", "37"),
        ("38 USD", "38 EUR"),
        ("3.7", "37"),
        ("37.5", "37"),
        ("-37", "37"),
        ("", "38 EUR"),
        ("EUR 38", "38 EUR"),
        ("14 March 2026", "14 March 2027"),
        ("15 March 2027", "14 March 2027"),
        ("anything", ""),
        ("anything", "?!"),
        ("the Abacuses", "Abacus"),
    ],
)
def test_an_answer_without_the_whole_value_is_wrong(answer: str, value: str) -> None:
    assert not is_right(answer, value)


@given(st.lists(WORDS, min_size=1), st.lists(WORDS), st.lists(WORDS))
def test_a_value_between_other_words_is_always_found(value: list[str], before: list[str], after: list[str]) -> None:
    assert is_right(" ".join([*before, *value, *after]), " ".join(value))


@given(st.integers(0, 10**9), st.sampled_from([",", " ", "\u00a0", "'"]))
def test_every_way_to_group_thousands_is_the_same_number(number: int, separator: str) -> None:
    grouped = f"{number:,}".replace(",", separator)
    assert is_right(f"it is {grouped} EUR", f"{number} EUR")
    assert not is_right(f"it is {grouped} EUR", f"{number + 1} EUR")


@given(st.dates())
def test_a_date_is_found_in_each_usual_spelling(day: object) -> None:
    from datetime import date

    assert isinstance(day, date)
    iso = f"{day.year:04d}-{day.month:02d}-{day.day:02d}"
    year = f"{day.year:04d}"
    for spelling in (
        f"{day.day}. {day.month}. {year}",
        f"{day.day} {day.strftime('%B')} {year}",
        f"{day.strftime('%B')} {day.day}, {year}",
    ):
        assert is_right(spelling, iso)


@given(st.text(), st.text())
def test_scores_are_total_and_symmetric(first: str, second: str) -> None:
    assert 0.0 <= token_f1(first, second) <= 1.0
    assert token_f1(first, second) == token_f1(second, first)
    assert token_f1(first, first) == 1.0
    assert is_right(first, second) in (True, False)


def test_f1_counts_shared_words_as_in_squad() -> None:
    assert token_f1("the red fox", "the fox") == pytest.approx(0.8)
    assert token_f1("cat", "dog") == 0.0


@given(st.integers(1, 5000).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total))))
def test_the_interval_holds_the_share_and_stays_between_nothing_and_all(counts: tuple[int, int]) -> None:
    right, total = counts
    low, high = wilson_interval(right, total)
    assert 0.0 <= low <= right / total <= high <= 1.0


def test_the_interval_is_wilsons_and_narrows_with_more_questions() -> None:
    assert wilson_interval(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    low, high = wilson_interval(800, 1000)
    assert high - low < 0.06
