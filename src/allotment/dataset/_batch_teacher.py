"""The teacher behind a provider's batch endpoint: cheaper, slower, and a run that can be left and joined again."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
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
        if not known:
            return
        write_atomic(self._keys, json.dumps(sorted(known)))
        batches = BatchRun(self.name, self._state, transport=self._transport)
        async with aclosing(batches.run(known.values())) as outcomes:
            async for key, found in outcomes:
                yield known[key], found
        self._keys.unlink(missing_ok=True)
