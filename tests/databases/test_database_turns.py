"""Places for connections: bounded, fair between accounts, and not waited for without end."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from allotment.databases._turns import Turns
from allotment.errors import LimitReached


def test_no_account_and_not_all_together_hold_more_than_they_may() -> None:
    turns = Turns(total=5, per_account=2, wait_s=30)
    lock, held, most = threading.Lock(), dict.fromkeys("abcd", 0), {"all": 0, "one": 0}
    together = threading.Barrier(5)

    def work(account: str) -> None:
        with turns.turn(account):
            with lock:
                held[account] += 1
                most["all"] = max(most["all"], sum(held.values()))
                most["one"] = max(most["one"], *held.values())
            together.wait(30)
            with lock:
                held[account] -= 1

    with ThreadPoolExecutor(40) as pool:
        list(pool.map(work, "abcd" * 10))
    assert most == {"all": 5, "one": 2}
    assert turns._queue.taken == 0 and turns._queue.waiting == 0


def test_a_free_place_goes_to_the_account_that_holds_fewest() -> None:
    turns = Turns(total=2, per_account=2, wait_s=30)
    order: list[str] = []
    queued = threading.Semaphore(0)

    def work(account: str) -> None:
        queued.release()
        with turns.turn(account):
            order.append(account)

    first, second = turns.turn("greedy"), turns.turn("greedy")
    first.__enter__()
    second.__enter__()
    threads = [threading.Thread(target=work, args=(account,)) for account in ("greedy", "greedy", "modest")]
    for number, thread in enumerate(threads):
        thread.start()
        queued.acquire()
        while turns._queue.waiting <= number:
            pass
    first.__exit__(None, None, None)
    threads[2].join(30)
    assert order[0] == "modest"
    second.__exit__(None, None, None)
    for thread in threads:
        thread.join(30)
    assert sorted(order) == ["greedy", "greedy", "modest"]


def test_who_waits_too_long_is_refused_and_leaves_the_queue() -> None:
    turns = Turns(total=1, per_account=1, wait_s=0)
    with turns.turn("a"):
        with pytest.raises(LimitReached, match="too many questions at once"), turns.turn("b"):
            pass
        assert turns._queue.waiting == 0
    with turns.turn("b"):
        pass
