"""The cost cap: database seconds of a user in a minute."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.databases._budget import WINDOW_S, Budget
from allotment.errors import LimitReached


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_user_s_seconds_of_a_minute_are_bounded_and_come_back() -> None:
    clock = Clock()
    budget = Budget(10, clock)
    with budget.charged("ann"):
        clock.now += 10
    with pytest.raises(LimitReached, match="10 seconds") as caught, budget.charged("ann"):
        pass
    assert caught.value.remedy == "Ask again in 60 seconds."
    with budget.charged("bob"):
        pass
    clock.now += WINDOW_S
    with budget.charged("ann"):
        pass


def test_statements_that_still_run_count() -> None:
    clock = Clock()
    budget = Budget(10, clock)
    with budget.charged("ann"):
        clock.now += 11
        with pytest.raises(LimitReached), budget.charged("ann"):
            pass


def test_a_statement_that_failed_is_charged_too() -> None:
    clock = Clock()
    budget = Budget(10, clock)
    with pytest.raises(ValueError, match="x"), budget.charged("ann"):
        clock.now += 10
        raise ValueError("x")
    with pytest.raises(LimitReached), budget.charged("ann"):
        pass


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 30), st.floats(0, 30)), max_size=40))
def test_no_user_gets_more_than_his_seconds_and_his_last_statement_in_any_window(
    steps: list[tuple[str, float, float]],
) -> None:
    clock = Clock()
    budget = Budget(20, clock)
    taken: list[tuple[str, float, float]] = []
    for user, pause, length in steps:
        clock.now += pause
        spent = sum(size for who, end, size in taken if who == user and end > clock.now - WINDOW_S)
        try:
            with budget.charged(user):
                clock.now += length
            assert spent < 20
            taken.append((user, clock.now, length))
        except LimitReached:
            assert spent >= 20 - 1e-6
