"""Generation over a Ray cluster: the same requests, sent by actors on its nodes.

The ledger is written by this process alone, so that there is one record whatever happens on the nodes. A batch of
requests whose node died is given to another; what it had brought is written already, because answers come one by one.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from types import TracebackType
from typing import Any, Self

from allotment.errors import EngineError, MissingPartError
from allotment.models import Answer, Ask, Failure, open_client
from allotment.project import ModelLimits, ModelsConfig

_IN_HAND = 32
"""Requests one actor holds; what it holds when its node dies is asked again by another."""
_MOST_LOST = 4
"""Actors that may die with a request in hand: it could be what kills them."""
_CONNECT_S = 10.0


class RayTeacher:
    """Sends requests from one actor for each node of a Ray cluster. Implements ``Teacher``; a context manager."""

    def __init__(
        self, models: ModelsConfig, model: str, address: str | None = None, workers: int | None = None
    ) -> None:
        """Connect to a cluster.

        Args:
            models: for the limits of ``model``; each actor keeps its share of them.
            model: ``URL#MODEL``, or an embedded model that is on every node.
            address: of the cluster, ``auto`` for the one of this machine; none starts one here.
            workers: actors; one for each node alive without it.

        Raises:
            MissingPartError: Ray is not installed, or there is no cluster at the address.
        """
        self.name = model
        self._ray = _load_ray()
        self._started = not self._ray.is_initialized()
        self._limits = models.limits.get(model) or ModelLimits()
        if self._started:
            _connect(self._ray, address)
        self._workers = workers or max(1, len(self._nodes()))
        self._actor = self._ray.remote(max_concurrency=_IN_HAND)(_Answerer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._started:
            self._ray.shutdown()

    async def run(self, asks: Iterable[Ask]) -> AsyncIterator[tuple[Ask, Answer | Failure]]:
        """See ``Teacher.run``."""
        source = iter(asks)
        actors = [self._new_actor(number) for number in range(self._workers)]
        lost: Counter[str] = Counter()
        flying: dict[asyncio.Future[Answer | Failure], tuple[Ask, int]] = {}
        try:
            for number in range(len(actors)):
                self._send(flying, islice(source, _IN_HAND), actors, number)
            while flying:
                done, _ = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
                for future in done:
                    ask, number = flying.pop(future)
                    error = future.exception()
                    if error is None:
                        yield ask, future.result()
                        self._send(flying, islice(source, 1), actors, number)
                    elif isinstance(error, self._ray.exceptions.RayActorError):
                        actors[number] = self._alive(actors[number], number)
                        lost[ask.key] += 1
                        if lost[ask.key] < _MOST_LOST:
                            self._send(flying, iter([ask]), actors, number)
                        else:
                            yield ask, Failure("connection", "each actor that had it died", 0.0, lost[ask.key])
                            self._send(flying, islice(source, 1), actors, number)
                    else:
                        raise _told(error, self.name)
        finally:
            for future in flying:
                future.cancel()
            for actor in actors:
                with suppress(Exception):  # its node may be gone
                    self._ray.kill(actor)

    def _send(self, flying: dict[Any, tuple[Ask, int]], asks: Iterator[Ask], actors: list[Any], number: int) -> None:
        for ask in asks:
            reference = actors[number].answer.remote(ask)
            flying[asyncio.wrap_future(reference.future())] = (ask, number)

    def _nodes(self) -> list[str]:
        return sorted(node["NodeID"] for node in self._ray.nodes() if node["Alive"])

    def _new_actor(self, number: int) -> Any:
        """An actor on a node of its own, as far as there are so many; on another where that one dies meanwhile."""
        nodes = self._nodes()
        place = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        where = place(nodes[number % len(nodes)], soft=True)
        share = self._limits.model_copy(
            update={
                "parallel": _IN_HAND,
                "requests_per_minute": _share(self._limits.requests_per_minute, self._workers),
                "tokens_per_minute": _share(self._limits.tokens_per_minute, self._workers),
            }
        )
        return self._actor.options(scheduling_strategy=where).remote(self.name, share)

    def _alive(self, actor: Any, number: int) -> Any:
        """The actor if it lives, else a new one on another node: several of its requests report its end."""
        try:
            self._ray.get(actor.name.remote(), timeout=10)
        except Exception:  # dead, or on a node that does not answer
            return self._new_actor(number)
        return actor


class _Answerer:
    """An actor: one client on one node."""

    def __init__(self, model: str, limits: ModelLimits) -> None:
        self._model = model
        self._client = open_client(model, limits=limits)

    async def answer(self, ask: Ask) -> Answer | Failure:
        """Answer one request."""
        return await self._client.complete(ask)

    async def name(self) -> str:
        """The model; proves that the actor lives."""
        return self._model


def _share(whole: int | None, workers: int) -> int | None:
    return None if whole is None else max(1, whole // workers)


def _told(error: BaseException, model: str) -> EngineError:
    """What an actor raised, as an error of ours."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, EngineError) else EngineError(f"an actor failed ({error}).", element=model)


def _load_ray() -> Any:
    try:
        import ray
    except ImportError:
        raise MissingPartError(
            "is not installed.", element="Ray", remedy="Install it: pip install 'allotment[ray]'."
        ) from None
    return ray


def _connect(ray: Any, address: str | None) -> None:
    try:
        _reach(address)
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (OSError, RuntimeError, ValueError) as error:
        raise MissingPartError(
            f"there is no Ray cluster ({error}).",
            element=address or "local",
            remedy="Start one with `ray start --head`, or leave --address away to use this machine.",
        ) from error


def _reach(address: str | None) -> None:
    """Whether anybody is at ``HOST:PORT``: Ray waits for minutes, and then ends the process."""
    if address is not None and ":" in address and "://" not in address:
        host, _, port = address.rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S).close()
