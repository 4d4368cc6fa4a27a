"""Asks answered by the embedded engine, which computes in threads of this process."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from allotment.errors import EngineError
from allotment.models._engine import Completion
from allotment.models._engines import Engines
from allotment.models._reasoning import strip_reasoning
from allotment.models.client._ask import Answer, Ask, Failure
from allotment.models.client._finish import excerpt, to_answer
from allotment.models.client._slots import Slots

MOST_PARALLEL = 4
"""More requests in one batch make each slower and none sooner."""


class EngineAnswerer:
    """Drives a synchronous engine from threads, one for each place. Implements ``Answerer``."""

    def __init__(self, model: str, engines: Engines, *, slots: Slots, threads: int, owned: bool) -> None:
        """``owned`` engines are closed with it. The model is loaded with the first ask."""
        self._model = model
        self._engines = engines
        self._slots = slots
        self._owned = owned
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="ask")

    @property
    def paused_s(self) -> float:
        """See ``Answerer.paused_s``."""
        return 0.0

    @property
    def timeout_s(self) -> float | None:
        """See ``Answerer.timeout_s``."""
        return None

    async def answer(self, ask: Ask) -> Answer | Failure:
        """See ``Answerer.answer``."""
        loop = asyncio.get_running_loop()
        async with self._slots:
            started_s = loop.time()
            try:
                completion = await loop.run_in_executor(self._threads, self._complete, ask)
            except EngineError as error:
                return Failure("server-error", excerpt(str(error)), loop.time() - started_s, 1)
            seconds = loop.time() - started_s
        return to_answer(completion, with_schema=ask.schema is not None, seconds=seconds, attempts=1)

    async def aclose(self) -> None:
        """See ``Answerer.aclose``; a completion that is being written cannot be broken off and is waited for."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        if self._owned:
            self._engines.close()

    def _complete(self, ask: Ask) -> Completion:
        completion = self._engines.get(self._model).complete(
            ask.messages, max_tokens=ask.max_tokens, temperature=ask.temperature, seed=ask.seed, schema=ask.schema
        )
        return replace(completion, text=strip_reasoning(completion.text))
