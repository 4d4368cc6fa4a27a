"""The embedded engine behind the client: driven from threads, a few at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from provider import ask, asks, collect

from allotment.errors import EngineError, MissingPartError
from allotment.models import AdapterFile, Completion, Engines, Message
from allotment.models.client import Answer, Failure, open_client
from allotment.project import ModelLimits


class Engine:
    """Answers when as many requests as it waits for are in it at the same time."""

    name = "base"

    def __init__(self, together: int = 1) -> None:
        self.adapters: Mapping[str, str] = {}
        self.most = self.closed = 0
        self.asked: list[dict[str, Any]] = []
        self._inside = 0
        self._guard = threading.Lock()
        self._together = threading.Barrier(together, timeout=10)

    def complete(self, messages: Sequence[Message], **options: Any) -> Completion:
        with self._guard:
            self._inside += 1
            self.most = max(self.most, self._inside)
            self.asked.append(options)
        self._together.wait()
        with self._guard:
            self._inside -= 1
        if messages[0].content == "fail":
            raise EngineError("the engine refused.", element=self.name)
        return Completion("<think>Hm.</think>\nyes", 3, 1, "stop")

    def stream(self, messages: Sequence[Message], **options: Any) -> Iterator[str]:
        raise NotImplementedError

    def close(self) -> None:
        self.closed += 1


@pytest.mark.parametrize(("parallel", "together"), [(None, 4), (1, 1), (3, 3), (64, 4)])
def test_so_many_are_in_the_engine_at_once_and_no_more(parallel: int | None, together: int) -> None:
    engine = Engine(together)

    async def work() -> None:
        with Engines(load=lambda model, adapters: engine) as engines:
            async with open_client("base", engines, ModelLimits(parallel=parallel)) as opened:
                found = await collect(opened.run(asks(12)))
                assert all(isinstance(one, Answer) and one.text == "yes" for one in found.values())
                assert opened.state.answered == 12
            assert engine.closed == 0

    asyncio.run(work())
    assert engine.most == together


def test_all_of_an_ask_reaches_the_engine() -> None:
    engine = Engine()

    async def work() -> None:
        with Engines(load=lambda model, adapters: engine) as engines:
            async with open_client("base", engines) as opened:
                await opened.complete(ask(max_tokens=5, temperature=0.5, seed=3, schema={"type": "object"}))

    asyncio.run(work())
    assert engine.asked == [{"max_tokens": 5, "temperature": 0.5, "seed": 3, "schema": {"type": "object"}}]


def test_one_refused_prompt_is_a_failure_and_many_stop_the_run() -> None:
    async def work() -> None:
        with Engines(load=lambda model, adapters: Engine()) as engines:
            async with open_client("base", engines) as opened:
                found = await opened.complete(ask(text="fail"))
                assert isinstance(found, Failure)
                assert (found.reason, found.detail) == ("server-error", "base: the engine refused.")
                with pytest.raises(EngineError, match="nothing but failures"):
                    await collect(opened.run(ask(number, "fail") for number in range(1000)))

    asyncio.run(work())


def test_a_model_that_is_not_here_stops_the_run() -> None:
    def load(model: str, adapters: Mapping[str, AdapterFile]) -> Engine:
        raise MissingPartError("the model file is not here.", element=model)

    async def work() -> None:
        with Engines(load=load) as engines:
            async with open_client("base", engines) as opened:
                with pytest.raises(MissingPartError, match="not here"):
                    await collect(opened.run(asks(10)))

    asyncio.run(work())


def test_cancelling_waits_for_what_the_engine_is_writing_and_starts_nothing_more() -> None:
    engine = Engine(2)

    async def work() -> None:
        with Engines(load=lambda model, adapters: engine) as engines:
            async with open_client("base", engines, ModelLimits(parallel=1)) as opened:
                reader = asyncio.create_task(collect(opened.run(asks(10))))
                while not engine.asked:
                    await asyncio.sleep(0)
                reader.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await reader
                engine._together.wait()  # the completion may end now
        assert len(engine.asked) == 1

    asyncio.run(work())
