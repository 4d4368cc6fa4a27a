"""Many asks at a time: taken lazily, handed out as they are completed, cancelled cleanly."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import aclosing
from random import Random

import httpx
import pytest
from provider import Script, answered, ask, asks, client, collect, refused
from virtual_time import now_s, run_virtually

from allotment.models.client import Answer, Ask
from allotment.models.client._slots import Slots
from allotment.models.client._window import Window
from allotment.project import ModelLimits


@pytest.fixture(autouse=True)
def _nothing_is_left_running() -> Iterator[None]:
    complaints: list[object] = []
    original = asyncio.BaseEventLoop.default_exception_handler
    asyncio.BaseEventLoop.default_exception_handler = lambda loop, context: complaints.append(context)  # type: ignore
    yield
    gc.collect()
    asyncio.BaseEventLoop.default_exception_handler = original  # type: ignore[method-assign]
    assert complaints == []


class Counted:
    """Asks that know how many of them were taken."""

    def __init__(self, count: int) -> None:
        self.taken = 0
        self._count = count

    def __iter__(self) -> Iterator[Ask]:
        for one in asks(self._count):
            self.taken += 1
            yield one


async def random_latency(request: httpx.Request) -> httpx.Response:
    await asyncio.sleep(Random(request.content).lognormvariate(0.7, 0.5))
    return answered()


def test_every_ask_is_answered_once_in_order_of_completion() -> None:
    async def slow_first(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(50 if b'"seed": 1}' in request.content else 1)
        return answered()

    async def work() -> None:
        given = [ask(number, seed=int(number == 0)) for number in range(60)]
        order = [one.key async for one, _ in client(slow_first).run(given)]
        assert sorted(order, key=int) == [str(number) for number in range(60)]
        assert order[-1] == "0"

    run_virtually(work())


def test_no_more_is_taken_than_may_be_in_flight() -> None:
    async def work() -> None:
        source, given = Counted(1000), 0
        opened = client(random_latency, ModelLimits(parallel=16))
        async with aclosing(opened.run(source)) as run:
            async for _ in run:
                given += 1
                assert source.taken - given <= opened.state.allowed <= 16
        assert (source.taken, given) == (1000, 1000)

    run_virtually(work())


def test_a_slow_reader_holds_the_asks_back() -> None:
    async def work() -> None:
        source, given = Counted(100), 0
        async for _ in client(random_latency, ModelLimits(parallel=8)).run(source):
            given += 1
            assert source.taken - given < 8
            await asyncio.sleep(100)

    run_virtually(work())


def test_closing_cancels_what_is_in_flight_and_takes_no_more() -> None:
    cancelled = 0

    async def never(request: httpx.Request) -> httpx.Response:
        nonlocal cancelled
        if b'"hi"' in request.content:
            await asyncio.sleep(1)
            return answered()
        try:
            await asyncio.sleep(1e9)
        except asyncio.CancelledError:
            cancelled += 1
            raise
        raise AssertionError

    async def work() -> None:
        opened = client(never)
        source = iter([ask(0), *(ask(number, "wait") for number in range(1, 50))])
        async with aclosing(opened.run(source)) as run:
            async for one, _ in run:
                assert one.key == "0"
                break
        assert cancelled == 7
        assert opened.state.in_flight == 0
        assert next(source).key == "8"
        assert len(asyncio.all_tasks()) == 1

    run_virtually(work())


def test_cancelling_the_reader_leaves_nothing_behind_and_the_client_usable() -> None:
    async def work() -> None:
        script = Script(answered(), latency_s=5)
        opened = client(script)
        reader = asyncio.create_task(collect(opened.run(asks(100))))
        await asyncio.sleep(3)
        reader.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert opened.state.in_flight == 0
        assert len(asyncio.all_tasks()) == 1
        assert isinstance(await opened.complete(ask()), Answer)

    run_virtually(work())


def test_an_error_of_the_asks_themselves_comes_out_and_cancels_the_rest() -> None:
    def broken() -> Iterator[Ask]:
        yield from asks(5)
        raise LookupError

    async def work() -> None:
        opened = client(Script(answered(), latency_s=5))
        with pytest.raises(LookupError):
            await collect(opened.run(broken()))
        assert opened.state.in_flight == 0

    run_virtually(work())


def test_two_runs_share_the_places() -> None:
    flying = most = 0

    async def counts(request: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        await asyncio.sleep(1)
        flying -= 1
        return answered()

    async def work() -> None:
        opened = client(counts, ModelLimits(parallel=5))
        found = await asyncio.gather(collect(opened.run(asks(40))), collect(opened.run(asks(40))))
        assert [len(one) for one in found] == [40, 40]
        assert most == 5

    run_virtually(work())


def test_cancelled_waiters_lose_no_place() -> None:
    async def work() -> None:
        opened = client(Script(answered(), latency_s=1), ModelLimits(parallel=2))
        chance = Random(3)
        for _ in range(50):
            tasks = [asyncio.create_task(opened.complete(ask())) for _ in range(6)]
            await asyncio.sleep(chance.uniform(0, 3))
            for task in chance.sample(tasks, 3):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert opened.state.in_flight == 0
        before = now_s()
        await collect(opened.run(asks(20)))
        assert now_s() - before == pytest.approx(10, abs=0.1)

    run_virtually(work())


def test_a_place_given_in_the_moment_of_cancelling_is_not_lost() -> None:
    async def work() -> None:
        slots = Slots(Window(1, 1))

        async def hold() -> None:
            async with slots:
                pass

        async with slots:
            waiting = asyncio.create_task(hold())
            await asyncio.sleep(0)
        waiting.cancel()  # it has the place already and has not run since
        await asyncio.gather(waiting, return_exceptions=True)
        assert slots.used == 0
        await hold()

    run_virtually(work())


def test_memory_does_not_grow_with_the_number_of_asks() -> None:
    async def peak(count: int) -> int:
        opened = client(random_latency, ModelLimits(parallel=16))
        tracemalloc.reset_peak()
        async for _ in opened.run(asks(count)):
            pass
        return tracemalloc.get_traced_memory()[1]

    async def work() -> None:
        await peak(150)
        few, many = await peak(150), await peak(1500)
        assert many < few * 1.2 + 200_000

    tracemalloc.start()
    try:
        run_virtually(work())
    finally:
        tracemalloc.stop()


def test_nothing_asked_is_nothing_sent() -> None:
    async def work() -> None:
        script = Script(answered())
        async with client(script) as opened:
            assert await collect(opened.run([])) == {}
        assert script.bodies == []

    run_virtually(work())


def test_the_state_can_be_shown_from_outside_of_the_loop() -> None:
    opened = client(Script(refused(429, retry_after="5"), answered()))
    assert opened.state.paused_s == 0
    assert run_virtually(collect(opened.run(asks(3)))).keys() == {"0", "1", "2"}
    state = opened.state
    assert (state.answered, state.in_flight, state.rate_limited, state.failed) == (3, 0, 1, 0)
    assert (state.prompt_tokens, state.completion_tokens, state.paused_s) == (30, 15, 0.0)
