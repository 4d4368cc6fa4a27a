"""How many requests may be in flight, against simulated servers."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from itertools import pairwise
from random import Random

import pytest

from allotment.models.client._window import Window

Latency = Callable[[int, float], float]
"""Seconds a request takes, from the requests in flight and the time."""


def simulate(
    window: Window, latency: Latency, *, answers: int, places: int = 10**9, tokens: Callable[[], int] = lambda: 100
) -> list[tuple[float, int]]:
    """Keep the window full; a request beyond the server's places is refused at once. Gives time and window."""
    flying: list[tuple[float, float, int, bool]] = []
    now, number, came = 0.0, 0, 0
    history = [(0.0, window.allowed)]
    while came < answers:
        while len(flying) < window.allowed:
            number += 1
            fits = len(flying) < places
            written = tokens()
            takes = latency(len(flying) + 1, now) * written / 100 if fits else 0.05
            heapq.heappush(flying, (now + takes, now, written, fits))
        now, sent, written, fits = heapq.heappop(flying)
        if fits:
            came += 1
            window.answered(pace=(now - sent) / written, sent_s=sent, now_s=now, in_flight=len(flying) + 1)
        else:
            window.overloaded(sent_s=sent, now_s=now)
        history.append((now, window.allowed))
    return history


def test_it_doubles_each_round_trip_until_it_is_full() -> None:
    history = simulate(Window(4, 256), lambda load, now: 2.0 + 0.001 * (now % 1), answers=2000)
    reached = next(now for now, allowed in history if allowed == 256)
    assert reached == pytest.approx(6 * 2.0, abs=0.5)
    assert max(allowed for _, allowed in history) == 256


@pytest.mark.parametrize("sigma", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("most", [16, 256])
@pytest.mark.parametrize("seed", range(4))
def test_log_normal_latency_does_not_shrink_it(sigma: float, most: int, seed: int) -> None:
    chance = Random(seed)
    history = simulate(Window(4, most), lambda load, now: chance.lognormvariate(math.log(2.0), sigma), answers=30_000)
    assert all(later >= earlier for (_, earlier), (_, later) in pairwise(history))
    assert history[-1][1] == most


def test_answers_that_become_ten_times_longer_do_not_shrink_it() -> None:
    chance = Random(1)
    lengths = iter([50] * 3000 + [500] * 10_000)
    window = Window(4, 64)
    history = simulate(
        window, lambda load, now: chance.lognormvariate(0.5, 0.5), answers=6000, tokens=lambda: next(lengths)
    )
    assert all(later >= earlier for (_, earlier), (_, later) in pairwise(history))


@pytest.mark.parametrize("places", [1, 5, 40, 100])
def test_it_settles_around_what_a_server_with_so_many_places_takes(places: int) -> None:
    chance = Random(2)
    history = simulate(Window(4, 256), lambda load, now: chance.lognormvariate(0.7, 0.5), answers=8000, places=places)
    settled = [allowed for _, allowed in history[len(history) // 2 :]]
    assert 0.75 * places <= sum(settled) / len(settled) <= places + 1
    assert max(settled) <= places + max(2, places // 10)


def test_all_refusals_of_one_round_trip_count_once() -> None:
    window = Window(100, 256)
    for number in range(50):
        window.overloaded(sent_s=10.0 + number / 100, now_s=11.0 + number / 100)
    assert window.allowed == 75
    window.overloaded(sent_s=11.0, now_s=12.0)
    assert window.allowed == 56


def test_after_a_decrease_it_grows_by_one_a_window_and_more_slowly_at_the_level_that_was_too_high() -> None:
    window = Window(20, 256)
    window.overloaded(sent_s=0.0, now_s=1.0)
    needed = []
    for _ in range(8):
        before, answers = window.allowed, 0
        while window.allowed == before:
            window.answered(pace=0.01, sent_s=2.0, now_s=2.0, in_flight=before)
            answers += 1
        needed.append((before, window.allowed, answers))
    assert needed[:4] == [(n, n + 1, n) for n in range(15, 19)]
    assert needed[4:] == [(n, n + 1, 4 * n) for n in range(19, 23)]


def test_a_queue_that_grows_without_more_answers_shrinks_it() -> None:
    """Forty are served at a time, everything else waits in line and is never refused."""
    chance = Random(3)

    def queueing(load: int, now: float) -> float:
        return chance.lognormvariate(0.7, 0.3) * max(1.0, load / 40)

    history = simulate(Window(4, 256), queueing, answers=20_000)
    settled = [allowed for _, allowed in history[len(history) // 2 :]]
    assert 40 <= sum(settled) / len(settled) <= 160


def test_a_server_that_batches_and_answers_more_in_all_is_driven_on() -> None:
    """Each becomes slower with the root of the load, all together become faster."""
    chance = Random(4)
    history = simulate(
        Window(4, 256), lambda load, now: chance.lognormvariate(0.7, 0.3) * math.sqrt(load), answers=20_000
    )
    settled = [allowed for _, allowed in history[len(history) // 2 :]]
    assert sum(settled) / len(settled) > 128


def test_a_server_that_becomes_slow_by_itself_is_eased_once_and_not_abandoned() -> None:
    chance = Random(5)
    slow_from = 100.0
    history = simulate(
        Window(4, 64), lambda load, now: chance.lognormvariate(0.7, 0.3) * (4 if now > slow_from else 1), answers=8000
    )
    after = [allowed for now, allowed in history if now > slow_from + 60]
    assert min(allowed for now, allowed in history if now > slow_from) < 64
    assert min(after) >= 27


def test_a_window_that_is_not_used_does_not_grow() -> None:
    window = Window(8, 256)
    for number in range(1000):
        window.answered(pace=0.01, sent_s=float(number), now_s=number + 1.0, in_flight=2)
    assert window.allowed == 8
