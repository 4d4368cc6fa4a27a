"""Timeouts that follow from how long answers take."""

from __future__ import annotations

import math
from random import Random

import pytest

from allotment.models.client import ClientLimits
from allotment.models.client._timeouts import Timeouts


def known(seconds: float, *, answers: int = 64, max_tokens: int = 256) -> Timeouts:
    timeouts = Timeouts(ClientLimits(), None)
    for _ in range(answers):
        timeouts.answered(seconds, max_tokens)
    return timeouts


def test_it_is_generous_until_answers_are_known() -> None:
    assert known(0.5, answers=31).allow(256, 0) == 120
    assert known(0.5, answers=32).allow(256, 0) < 120


def test_it_follows_the_slowest_answers_within_its_bounds() -> None:
    assert known(0.5).allow(256, 0) == 10
    assert known(20.0).allow(256, 0) == pytest.approx(60)
    assert known(500.0).allow(256, 0) == 600


@pytest.mark.parametrize("sigma", [0.5, 1.0])
def test_of_log_normal_answers_hardly_one_in_a_thousand_is_given_up(sigma: float) -> None:
    chance, timeouts, late = Random(1), Timeouts(ClientLimits(), None), 0
    for _ in range(20_000):
        seconds = chance.lognormvariate(math.log(5.0), sigma)
        late += seconds > timeouts.allow(256, 0)
        timeouts.answered(seconds, 256)
    assert late < 20
    assert timeouts.allow(256, 0) < 50 * 5.0


def test_requests_for_more_tokens_than_ever_get_more_time() -> None:
    assert known(20.0, max_tokens=100).allow(300, 0) == pytest.approx(180)


def test_an_ask_that_timed_out_gets_more_time_when_it_is_sent_again() -> None:
    timeouts = known(1.0)
    assert [timeouts.allow(256, times) for times in range(6)] == [10, 20, 40, 80, 120, 120]


def test_a_server_that_became_slow_is_given_more_time() -> None:
    timeouts = known(2.0)
    for _ in range(128):
        timeouts.timed_out(timeouts.allow(256, 0))
    assert timeouts.allow(256, 0) >= 30


def test_a_timeout_of_the_project_is_kept() -> None:
    timeouts = Timeouts(ClientLimits(), 3.0)
    for _ in range(100):
        timeouts.answered(50.0, 256)
    assert timeouts.allow(10_000, 3) == 3.0
