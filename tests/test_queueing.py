"""Whoever waits for a place and is not wanted any longer leaves the queue at once, with nothing taken."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.cancellation import Cancellation, cancellable
from allotment.errors import Cancelled
from allotment.queueing import FairQueue


def test_who_is_cancelled_while_he_waits_leaves_the_queue_and_the_place_to_others() -> None:
    queue, signal = FairQueue(1, wait_s=60), Cancellation()
    assert queue.enter("ann")

    def wait() -> None:
        with cancellable(signal), pytest.raises(Cancelled):
            queue.enter("bob")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        while queue.waiting == 0:
            pass
        signal.cancel(Cancelled("gone."))
        waiting.result(10)
    assert (queue.taken, queue.waiting) == (1, 0)
    queue.leave("ann")
    assert queue.enter("cid")


def test_a_full_queue_and_a_wait_that_is_over_are_both_no_place() -> None:
    queue = FairQueue(1, wait_s=0.01, most_waiting=0)
    assert queue.enter("ann") and not queue.enter("bob")
    patient = FairQueue(1, wait_s=0.01)
    assert patient.enter("ann") and not patient.enter("bob")
    assert (queue.waiting, patient.waiting) == (0, 0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40), st.integers(1, 4), st.integers(1, 3))
def test_no_more_than_there_is_are_held_of_all_and_of_one(
    steps: list[tuple[str, bool]], places: int, each: int
) -> None:
    queue, held = FairQueue(places, wait_s=0.0, each=each, most_waiting=0), list[str]()
    for holder, enters in steps:
        if enters:
            fits = len(held) < places and held.count(holder) < each
            assert queue.enter(holder) == fits
            held += [holder] * fits
        elif holder in held:
            queue.leave(holder)
            held.remove(holder)
        assert queue.taken == len(held)
