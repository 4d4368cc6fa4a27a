"""Turns at the processor: one model at a time, nobody left waiting for ever."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from allotment.models._turns import ModelTurns


def test_two_models_never_compute_at_once_and_all_requests_are_served() -> None:
    turns, guard = ModelTurns(), threading.Lock()
    running: list[str] = []
    mixed: list[tuple[str, ...]] = []

    def request(model: str) -> None:
        with turns.turn(model):
            with guard:
                running.append(model)
                if len(set(running)) > 1:
                    mixed.append(tuple(running))
            with guard:
                running.remove(model)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(request, ["a", "b", "c"] * 40))
    assert not mixed
    assert not running


def test_requests_of_one_model_run_together() -> None:
    turns, both = ModelTurns(), threading.Barrier(2, timeout=10)

    def request(_: int) -> None:
        with turns.turn("a"):
            both.wait()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(request, range(2)))
    assert not both.broken


def test_a_request_that_fails_gives_its_turn_back() -> None:
    turns = ModelTurns()
    try:
        with turns.turn("a"):
            raise ValueError
    except ValueError:
        pass
    with turns.turn("b"):
        assert turns._active == "b"
