"""Limits per minute, for any arrivals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.models.client._rate import MINUTE_S, PerMinute

_GAPS = st.lists(st.floats(0, 90) | st.just(0.0), min_size=1, max_size=120)


def drive(allowed: int, amounts: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """When each amount was taken, if each comes so many seconds after the one before was taken."""
    limit, now, taken = PerMinute(allowed), 1000.0, []
    for gap, amount in amounts:
        now += gap
        while (wait := limit.wait_s(amount, now)) > 0:
            now += max(wait, 0.001)
        limit.take(amount, now)
        taken.append((now, min(amount, allowed)))
    return taken


def most_in_a_minute(taken: list[tuple[float, int]]) -> int:
    return max(sum(amount for at, amount in taken if start <= at < start + MINUTE_S) for start, _ in taken)


@given(st.integers(1, 100), _GAPS)
def test_no_minute_has_more_requests_than_are_allowed(allowed: int, gaps: list[float]) -> None:
    assert most_in_a_minute(drive(allowed, [(gap, 1) for gap in gaps])) <= allowed


@given(st.integers(100, 10_000), st.lists(st.tuples(st.floats(0, 30), st.integers(1, 3_000)), min_size=1, max_size=80))
def test_no_minute_has_more_tokens_than_are_allowed(allowed: int, amounts: list[tuple[float, int]]) -> None:
    assert most_in_a_minute(drive(allowed, amounts)) <= allowed


@pytest.mark.parametrize(("allowed", "amount"), [(1, 1), (60, 1), (1000, 1), (90_000, 1500)])
def test_what_is_allowed_is_used_to_the_full_and_evenly(allowed: int, amount: int) -> None:
    each_minute = allowed // amount
    taken = drive(allowed, [(0.0, amount)] * (4 * each_minute))
    assert taken[-1][0] - taken[0][0] <= 4 * MINUTE_S
    at = [moment for moment, _ in taken]
    most_in_a_second = max(sum(start <= moment < start + 1 for moment in at) for start in at)
    assert most_in_a_second <= 2 * max(1, each_minute / MINUTE_S)


def test_what_was_not_used_is_given_back() -> None:
    limit = PerMinute(1000)
    first = limit.take(1000, 0.0)
    assert limit.wait_s(500, 1.0) > 25
    limit.correct(first, 100)
    assert limit.wait_s(500, 1.0) == pytest.approx(5.0)  # a hundred are six seconds' worth, of which one has passed
    limit.correct(first, 1000)
    assert limit.wait_s(500, 1.0) > 25


def test_one_that_is_larger_than_the_allowance_takes_a_whole_minute_and_no_longer() -> None:
    taken = drive(100, [(0.0, 50), (0.0, 5000), (0.0, 50)])
    assert [amount for _, amount in taken] == [50, 100, 50]
    assert taken[2][0] - taken[0][0] == pytest.approx(2 * MINUTE_S, abs=0.1)
