"""Intervals over facts, exact paired tests, and agreement."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.evaluation.scoring import cluster_interval, holm, kappa, mcnemar, says_unknown, share_interval

SHARES = st.lists(st.booleans(), min_size=1, max_size=40)


@settings(max_examples=30)
@given(SHARES)
def test_an_interval_holds_its_mean_and_is_the_same_each_time(values: list[bool]) -> None:
    clusters = [str(place // 2) for place in range(len(values))]
    low, high = share_interval(values, clusters) or (1.0, 0.0)
    assert low - 1e-6 <= sum(values) / len(values) <= high + 1e-6
    assert (low, high) == share_interval(values, clusters)


def test_wordings_of_one_fact_make_no_interval_narrower() -> None:
    facts = [float(place % 2) for place in range(20)]
    once = cluster_interval(facts, [str(place) for place in range(20)])
    thrice = cluster_interval([value for value in facts for _ in range(3)], [str(n) for n in range(20) for _ in "abc"])
    assert once == thrice


def test_shares_that_are_all_alike_are_not_said_to_be_certain() -> None:
    low, high = share_interval([True] * 5, list("abcde")) or (0.0, 0.0)
    assert (round(low, 2), high) == (0.57, 1.0)
    assert cluster_interval([], []) is None


@pytest.mark.parametrize(("first", "second", "p"), [(0, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (1, 9, 0.021484)])
def test_mcnemar_is_the_exact_binomial_test_of_discordant_facts(first: int, second: int, p: float) -> None:
    one = {f"a{n}": True for n in range(first)} | {f"b{n}": False for n in range(second)} | {"both": True, "odd": True}
    other = {f"a{n}": False for n in range(first)} | {f"b{n}": True for n in range(second)} | {"both": True}
    assert mcnemar(one, other) == (first, second, pytest.approx(p, abs=1e-6))


def test_holm_corrects_as_in_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_no_corrected_p_is_smaller_and_their_order_stays(values: list[float]) -> None:
    corrected = holm(values)
    assert all(new >= old - 1e-12 and new <= 1 for old, new in zip(values, corrected, strict=True))
    order = sorted(range(len(values)), key=lambda place: values[place])
    assert [corrected[place] for place in order] == sorted(corrected)


def test_kappa_of_a_known_table() -> None:
    pairs = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert kappa(pairs) == pytest.approx(0.4)
    assert kappa([(True, True)] * 4) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("That is not in what I know.", True),
        ("I don’t know.", True),
        ("To není v tom, co znám. Mohu pomoci s tímto: sklad.", True),
        ("Das steht nicht in dem, was ich weiß.", True),
        ("The unknown soldier is in the hall.", False),
        ("You must not enter.", False),
        ("", False),
    ],
)
def test_saying_that_one_does_not_know_is_heard_in_four_languages(text: str, said: bool) -> None:
    assert says_unknown(text) is said
