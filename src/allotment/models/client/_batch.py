"""Asks answered through a provider's batch endpoint, at a lower price and within a day.

A run can be left at any moment (Ctrl-C, a killed process, a lost network) and joined again with the same asks. What
was submitted stands in a small file; and because a process can end between the provider's taking a batch and the
writing of that file, each batch carries the hash of its requests and is looked for before it is created.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import httpx
from filelock import FileLock, Timeout

from allotment.errors import EngineError, IntegrityError, ProjectError
from allotment.models._openai import server_headers, split_name
from allotment.models.client._ask import Answer, Ask, ClientLimits, Failure
from allotment.models.client._batch_files import (
    ENDPOINT,
    BatchLimits,
    Part,
    keys_of,
    outcome_of_missing,
    read_results,
    write_parts,
)
from allotment.models.client._finish import excerpt, retry_after_s
from allotment.workspace import atomic_writer, write_atomic

_TIMEOUT = httpx.Timeout(30.0, read=300.0, write=300.0)
_MARK = "allotment"
"""Name of the hash in a batch's metadata."""
_PAGE, _MOST_PAGES = 100, 50
_OVER = frozenset({"completed", "failed", "expired", "cancelled"})
_WITHOUT_WORTH = frozenset({"failed", "expired", "cancelled", "cancelling"})
"""A batch that ended so is not joined by a new run, which would get nothing."""

T = TypeVar("T")


class _Fault(Exception):
    """A request failed that may be sent again."""

    def __init__(self, detail: str, wait_s: float = 0.0) -> None:
        super().__init__(detail)
        self.wait_s = wait_s


class BatchRun:
    """A set of asks on its way through a provider's batch endpoint. It belongs to one event loop."""

    def __init__(
        self,
        model: str,
        path: Path,
        *,
        limits: BatchLimits | None = None,
        patience: ClientLimits | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        chance: Random | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            model: ``URL#MODEL`` of a provider with ``/files`` and ``/batches``.
            path: file that tells what was submitted; requests and results lie beside it meanwhile. All are removed
                when every outcome was handed out.
            limits: of one batch.
            patience: retries and their waits.
            transport: stands in for the network.
            chance: spreads retries in time.

        Raises:
            ProjectError: ``model`` is not ``URL#MODEL``.
        """
        self.name = model
        self._url, self._model = split_name(model)
        self._path = path
        self._limits = limits or BatchLimits()
        self._patience = patience or ClientLimits()
        self._transport = transport
        self._chance = chance or Random()  # noqa: S311 - nothing secret depends on it
        self._client: httpx.AsyncClient

    async def run(self, asks: Iterable[Ask]) -> AsyncGenerator[tuple[str, Answer | Failure]]:
        """Submit what is not submitted, wait, and hand out the key and outcome of every ask.

        When a run is joined again, outcomes it had handed out before may come once more.

        Raises:
            ProjectError: two asks have the same key; the file tells of other asks; another process is at it.
            EngineError: the provider does not let us in, or is not there; nothing is lost.
            StorageError: the disk is full.
        """
        with self._alone():
            parts = write_parts(self._model, asks, self._path, self._limits)
            state = self._load(parts)
            async with self._open() as self._client:
                for part in parts:
                    await self._submit(part, state)
                async with aclosing(self._collect(parts, state)) as outcomes:
                    async for found in outcomes:
                        yield found
            for path in (*(part.path for part in parts), self._results, self._path):
                path.unlink(missing_ok=True)

    @property
    def _results(self) -> Path:
        return self._path.with_name(f"{self._path.name}.results.jsonl")

    def _open(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=self._url, headers=server_headers(), timeout=_TIMEOUT, transport=self._transport
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self._path.with_name(f"{self._path.name}.lock"), timeout=0):
                yield
        except Timeout:
            remedy = "Wait until it ends, then run this again."
            raise ProjectError("another command waits for these batches.", element=self.name, remedy=remedy) from None

    def _load(self, parts: list[Part]) -> dict[str, dict[str, str]]:
        """What is known of each part, by its hash."""
        if not self._path.exists():
            return {}
        try:
            state: dict[str, dict[str, str]] = json.loads(self._path.read_text(encoding="utf-8"))["batches"]
            strangers = set(state) - {part.digest for part in parts}
        except (ValueError, KeyError, TypeError) as error:
            remedy = "Move it away: batches that were submitted are found again at the provider."
            raise IntegrityError("is not a file of batches.", element=str(self._path), remedy=remedy) from error
        if strangers:
            raise ProjectError(
                "other requests were submitted as batches before.",
                element=str(self._path),
                remedy="Ask for the same again to get their answers, or remove the file to give them up.",
            )
        return state

    def _save(self, state: dict[str, dict[str, str]]) -> None:
        write_atomic(self._path, json.dumps({"model": self.name, "batches": state}, indent=1))

    async def _submit(self, part: Part, state: dict[str, dict[str, str]]) -> None:
        known = state.setdefault(part.digest, {})
        if "batch" not in known:
            found = await self._find(part)
            if found is None:
                if "file" not in known:
                    known["file"] = await self._retried(lambda: self._upload(part))
                    self._save(state)
                found = await self._create(part, known["file"])
            known["batch"] = found
            self._save(state)

    async def _upload(self, part: Part) -> str:
        with part.path.open("rb") as file:
            files = {"file": (f"{_MARK}-{part.digest[:16]}.jsonl", file, "application/jsonl")}
            return _id_in(await self._json("POST", "/files", data={"purpose": "batch"}, files=files))

    async def _create(self, part: Part, file: str) -> str:
        wanted = {"input_file_id": file, "endpoint": ENDPOINT, "completion_window": "24h"}

        async def create() -> str:
            # A request whose answer was lost may have been taken: it is looked for before it is sent again.
            marked = {**wanted, "metadata": {_MARK: part.digest}}
            return await self._find(part) or _id_in(await self._json("POST", "/batches", json=marked))

        return await self._retried(create)

    async def _find(self, part: Part) -> str | None:
        """The batch of a part, if the provider has one that is worth waiting for."""
        after: dict[str, str] = {}
        for _ in range(_MOST_PAGES):
            query = {"limit": str(_PAGE), **after}
            page = await self._retried(lambda query=query: self._json("GET", "/batches", params=query))  # type: ignore[misc]
            batches = page.get("data") or []
            for batch in batches:
                marked = (batch.get("metadata") or {}).get(_MARK) == part.digest
                if marked and batch.get("status") not in _WITHOUT_WORTH:
                    return _id_in(batch)
            if not page.get("has_more") or not batches:
                return None
            after = {"after": _id_in(batches[-1])}
        return None

    async def _collect(
        self, parts: list[Part], state: dict[str, dict[str, str]]
    ) -> AsyncGenerator[tuple[str, Answer | Failure]]:
        waiting = list(parts)
        while waiting:
            for part in list(waiting):
                batch = await self._look(state[part.digest]["batch"])
                if batch.get("status") in _OVER:
                    waiting.remove(part)
                    async with aclosing(self._outcomes(part, batch)) as outcomes:
                        async for found in outcomes:
                            yield found
            if waiting:
                await asyncio.sleep(self._limits.poll_s)

    async def _look(self, batch: str) -> dict[str, Any]:
        return await self._retried(lambda: self._json("GET", f"/batches/{batch}"))

    async def _outcomes(self, part: Part, batch: dict[str, Any]) -> AsyncGenerator[tuple[str, Answer | Failure]]:
        asked = keys_of(part)
        for name in ("output_file_id", "error_file_id"):
            if file := batch.get(name):
                await self._retried(lambda file=file: self._download(str(file)))  # type: ignore[misc]
                for found in read_results(self._results, asked, self._limits):
                    yield found
        for key in asked:
            yield key, outcome_of_missing(batch)

    async def _download(self, file: str) -> None:
        try:
            async with self._client.stream("GET", f"/files/{file}/content", follow_redirects=True) as response:
                if not response.is_success:
                    await response.aread()
                    self._check(response)
                with atomic_writer(self._results) as target:
                    async for block in response.aiter_bytes():
                        target.write(block)
        except httpx.RequestError as error:
            raise _Fault(str(error) or type(error).__name__) from error

    async def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        try:
            response = await self._client.request(method, path, **options)
            self._check(response)
            result: dict[str, Any] = response.json()
        except (httpx.RequestError, ValueError) as error:
            raise _Fault(str(error) or type(error).__name__) from error
        if not isinstance(result, dict):
            raise _Fault(f"not a JSON object: {excerpt(response.content)}")
        return result

    def _check(self, response: httpx.Response) -> None:
        """Raise what a refusal means."""
        status = response.status_code
        told = f"HTTP {status}: {excerpt(response.content)}"
        if status in (408, 429) or status >= 500:
            wait_s = retry_after_s(response.headers.get("retry-after"), time.time()) or 0.0
            raise _Fault(told, min(wait_s, self._patience.longest_pause_s))
        if not response.is_success:
            remedy = "Check the URL, the key in ALLOTMENT_SERVER_KEY, and that the provider takes batches."
            raise EngineError(f"the provider refuses batches ({told}).", element=self.name, remedy=remedy)

    async def _retried(self, work: Callable[[], Awaitable[T]]) -> T:
        number = 0
        while True:
            try:
                return await work()
            except _Fault as fault:
                if number >= self._patience.retries:
                    raise self._not_there(fault) from fault
                most = min(self._patience.backoff_s * 2.0**number, self._patience.longest_backoff_s)
                await asyncio.sleep(max(self._chance.uniform(0.0, most), fault.wait_s))
                number += 1

    def _not_there(self, fault: _Fault) -> EngineError:
        remedy = "Run the same command again later; what was submitted is kept and not submitted twice."
        return EngineError(f"the provider does not answer ({fault}).", element=self.name, remedy=remedy)


def _id_in(result: dict[str, Any]) -> str:
    found = result.get("id")
    if not isinstance(found, str):
        raise _Fault(f"no id: {excerpt(json.dumps(result))}")
    return found
