"""The area under the curve against its definition, its bootstrap, exposure, and canaries that stand out."""

from __future__ import annotations

import random
from itertools import pairwise
from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.evaluation.leaks._membership_auc import Standing, auc

few = settings(max_examples=50)
scores = st.integers(-5, 5).map(float)
standings = st.lists(
    st.builds(Standing, st.uuids().map(str), scores, st.lists(scores, min_size=2, max_size=8).map(tuple)),
    min_size=1,
    max_size=12,
)


def by_definition(found: list[Standing]) -> float:
    """Draw a canary, draw one of its twins: how often is the true value higher, a tie counting half."""
    of_each = []
    for one in found:
        wins = [1.0 if one.true > twin else 0.5 if one.true == twin else 0.0 for twin in one.twins]
        of_each.append(sum(wins) / len(wins))
    return sum(of_each) / len(of_each)


def area(points: tuple[tuple[float, float], ...]) -> float:
    return sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairwise(points))


@few
@given(standings)
def test_the_value_is_the_probability_it_is_defined_as(found: list[Standing]) -> None:
    measured = auc(found)
    assert measured is not None
    assert measured.value == pytest.approx(by_definition(found))


@few
@given(standings)
def test_the_curve_rises_from_corner_to_corner_and_its_area_is_the_value(found: list[Standing]) -> None:
    measured = auc(found)
    assert measured is not None
    assert measured.points[0] == (0.0, 0.0)
    assert measured.points[-1] == (1.0, 1.0)
    assert all(left <= right and low <= high for (left, low), (right, high) in pairwise(measured.points))
    assert area(measured.points) == pytest.approx(measured.value)


@few
@given(standings, st.integers(0, 100))
def test_intervals_hold_the_value_and_the_surer_one_is_wider(found: list[Standing], seed: int) -> None:
    measured = auc(found, seed=seed)
    assert measured is not None
    low, high = measured.interval
    assert 0 <= measured.sure_above <= low <= measured.value + 1e-9
    assert measured.value - 1e-9 <= high <= 1


@few
@given(standings)
def test_turning_all_scores_round_turns_the_value_round(found: list[Standing]) -> None:
    turned = [Standing(one.canary, -one.true, tuple(-twin for twin in one.twins)) for one in found]
    here, there = auc(found), auc(turned)
    assert here is not None
    assert there is not None
    assert here.value + there.value == pytest.approx(1)


def test_without_a_canary_there_is_no_value() -> None:
    assert auc([]) is None


def test_twins_of_one_canary_do_not_narrow_the_interval_canaries_do() -> None:
    def width(canaries: int, twins: int) -> float:
        draw = random.Random(1)
        found = [
            Standing(str(n), draw.gauss(0, 1), tuple(draw.gauss(0, 1) for _ in range(twins))) for n in range(canaries)
        ]
        measured = auc(found)
        assert measured is not None
        return measured.interval[1] - measured.interval[0]

    assert width(10, 100) > 0.7 * width(10, 10)
    assert width(160, 10) < 0.5 * width(10, 10)


def test_of_values_that_are_not_known_the_interval_leaves_out_a_half_about_as_often_as_it_says() -> None:
    draw = random.Random(2)
    outside = 0
    for _ in range(200):
        found = [Standing("c", draw.gauss(0, 1), tuple(draw.gauss(0, 1) for _ in range(10))) for _ in range(30)]
        measured = auc(found)
        assert measured is not None
        outside += not measured.interval[0] <= 0.5 <= measured.interval[1]
    assert outside <= 24  # 5 % of 200 are 10; more than 24 happen once in 30,000


def test_exposure_is_in_bits_and_highest_for_the_first_of_all() -> None:
    assert Standing("c", 9.0, (1.0,) * 7).exposure == pytest.approx(3)
    assert Standing("c", 0.0, (1.0,) * 7).exposure == pytest.approx(0)
    assert Standing("c", 9.0, tuple(map(float, range(10)))).exposure == pytest.approx(log2(11) - log2(1.5))


def test_one_known_value_among_many_stands_out_and_no_other_does() -> None:
    draw = random.Random(3)
    found = [Standing(str(n), draw.gauss(0, 1), tuple(draw.gauss(0, 1) for _ in range(10))) for n in range(40)]
    found[7] = Standing("known", 25.0, found[7].twins)
    measured = auc(found)
    assert measured is not None
    assert measured.standing_out == ("known",)
    assert measured.sure_above < 0.5  # the mean alone would not have shown it


def test_values_all_scored_alike_are_known_to_nobody() -> None:
    measured = auc([Standing(str(n), 1.0, (1.0,) * 10) for n in range(10)])
    assert measured is not None
    assert (measured.value, measured.standing_out) == (0.5, ())
