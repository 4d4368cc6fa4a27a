"""The teacher behind a provider's batch endpoint: cheaper, slower, and a run that can be left and joined again."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path

import httpx

from allotment.errors import IntegrityError
from allotment.models import Answer, Ask, BatchRun, Failure
from allotment.workspace import write_atomic


class BatchTeacher:
    """Sends all requests of a stage as batches. Implements ``Teacher``.

    The keys of what is out stand in a file of their own, so that a run that is joined again asks exactly the same:
    another set of requests would be another batch, and paid for again.
    """

    def __init__(self, model: str, folder: Path, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """``folder`` is the agent's; ``transport`` stands in for the network."""
        self.name = model
        self._state, self._keys = folder / "batch.json", folder / "batch.keys.json"
        self._transport = transport

    @property
    def held(self) -> frozenset[str]:
        """Keys of requests that are out; they are asked again whatever the ledger says.

        Raises:
            IntegrityError: the file is not what was written.
        """
        if not self._keys.exists():
            return frozenset()
        try:
            return frozenset(map(str, json.loads(self._keys.read_text(encoding="utf-8"))))
        except (ValueError, TypeError) as error:
            remedy = "Move it away, with batch.json beside it, to submit anew; what is out is then paid for again."
            raise IntegrityError("does not tell what is out.", element=str(self._keys), remedy=remedy) from error

    async def run(self, asks: Iterable[Ask]) -> AsyncIterator[tuple[Ask, Answer | Failure]]:
        """See ``Teacher.run``; takes all of ``asks`` at once."""
        known = {ask.key: ask for ask in asks}
        held = self.held
        out = [ask for key, ask in known.items() if key in held]
        for batch in (out, [ask for key, ask in known.items() if key not in held]):
            async with aclosing(self._run(batch)) as answers:
                async for answered in answers:
                    yield answered

    async def _run(self, asks: list[Ask]) -> AsyncGenerator[tuple[Ask, Answer | Failure]]:
        """Answer exactly these; what a run that was left had out goes before anything new."""
        if not asks:
            return
        known = {ask.key: ask for ask in asks}
        write_atomic(self._keys, json.dumps(sorted(known)))
        batches = BatchRun(self.name, self._state, transport=self._transport)
        async with aclosing(batches.run(asks)) as outcomes:
            async for key, found in outcomes:
                yield known[key], found
        self._keys.unlink(missing_ok=True)
