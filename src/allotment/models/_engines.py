"""The engines of one process: one per model, made when first asked for, sharing turns at the processor.

A model whose adapters changed is loaded anew beside the engine that runs; the old one is closed when the last
request it serves has ended. An agent's own model has an engine to itself, which is closed when another version of
the agent is registered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

from allotment.errors import EngineError, MissingPartError
from allotment.models._adapter_server import AdapterServer
from allotment.models._catalogue import find_model, is_server, locate
from allotment.models._engine import AdapterFile, Completion, Engine, LoadedEngine, Message
from allotment.models._server import ServerEngine
from allotment.models._turns import ModelTurns
from allotment.workspace import hash_file

Load = Callable[[str, Mapping[str, AdapterFile]], LoadedEngine]
"""Loads a model with its adapters, or in its place the one own model."""

_Place = tuple[str, str | None]
"""A base model, and ``AGENT/VERSION`` of the own model that takes its place."""


@dataclass
class _Loaded:
    """An engine in memory and how many requests use it; a retired one takes no more."""

    engine: LoadedEngine
    users: int = 0
    retired: bool = False


class Engines:
    """Holds engines and the adapters registered for each base model; a context manager that closes them."""

    def __init__(
        self, threads: int = 0, parallel: int = 4, *, load: Load | None = None, adapter_server: str | None = None
    ) -> None:
        """Nothing is loaded yet.

        Args:
            threads: processor threads of an embedded engine, 0 for all.
            parallel: requests in one batch.
            load: loads a model and its adapters; the embedded engine if none.
            adapter_server: address of the server that has the adapters of base models; the embedded engine if none.
        """
        self._load = load or partial(_load_embedded, turns=ModelTurns(), threads=threads, parallel=parallel)
        self._guard = threading.RLock()
        self._embedded: dict[_Place, _Loaded] = {}
        self._servers: dict[str, ServerEngine] = {}
        self._adapter_server = AdapterServer(adapter_server) if adapter_server is not None else None
        self._adapters: dict[str, dict[str, AdapterFile]] = {}
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def register_adapter(self, model: str, adapter: str, file: AdapterFile) -> None:
        """Make ``AGENT/VERSION`` known for a base model; the next request is served by an engine that has it."""
        with self._guard:
            self._forget_own(adapter, file)
            self._adapters.setdefault(model, {})[adapter] = file

    def _forget_own(self, adapter: str, file: AdapterFile) -> None:
        """Drop own models of the agent that this version replaces: each is as large as the base model."""
        agent = adapter.partition("/")[0]
        for model, registered in self._adapters.items():
            for key, known in list(registered.items()):
                if known.own_model and key.partition("/")[0] == agent and (key, known) != (adapter, file):
                    del registered[key]
                    self._retire(self._embedded.pop((model, key), None))

    def get(self, model: str, adapter: str | None = None) -> Engine:
        """The engine of a model, loaded now if it is not; it serves whatever is registered when it is asked.

        Args:
            adapter: what will be asked for, so that a base model is not loaded for an agent's own.

        Raises:
            MissingPartError: the model's file is not here.
        """
        if is_server(model):
            with self._guard:
                return self._servers.setdefault(model, ServerEngine(model))
        if self._adapter_server is not None and self._is_served(model, adapter):
            return self._adapter_server
        with self.lease(model, adapter):
            return _Current(self, model)

    def absent_adapters(self, names: Collection[str]) -> list[str]:
        """Those of these adapters (as ``adapter_name`` gives them) that the declared server does not have now.

        Raises:
            EngineError: it does not answer, or none is declared.
        """
        if self._adapter_server is None:
            raise EngineError("no server of adapters is declared.", element="models.adapter_server")
        return self._adapter_server.absent(names)

    def _is_served(self, model: str, adapter: str | None) -> bool:
        """Whether the declared server has it: adapters of the base model, and nothing else."""
        with self._guard:
            if self._closed:
                raise EngineError("the engines were closed.", element=model)
            file = self._adapters.get(model, {}).get(adapter) if adapter is not None else None
            return file is not None and not file.own_model

    @contextmanager
    def lease(self, model: str, adapter: str | None = None) -> Iterator[LoadedEngine]:
        """A loaded engine with everything that is registered; it is not closed before this ends."""
        loaded = self._take(model, adapter)
        try:
            yield loaded.engine
        finally:
            with self._guard:
                loaded.users -= 1
                _close_if_unused(loaded)

    def _take(self, model: str, adapter: str | None) -> _Loaded:
        with self._guard:
            if self._closed:
                raise EngineError("the engines were closed.", element=model)
            place, wanted = self._wanted(model, adapter)
            loaded = self._embedded.get(place)
            if loaded is None or loaded.engine.adapters != _hashes(wanted):
                fresh = _Loaded(self._load(model, self._there(place, wanted)))
                self._retire(loaded)
                loaded = self._embedded[place] = fresh
            loaded.users += 1
            return loaded

    def _wanted(self, model: str, adapter: str | None) -> tuple[_Place, dict[str, AdapterFile]]:
        registered = self._adapters.get(model, {})
        own = registered.get(adapter) if adapter is not None else None
        if own is not None and own.own_model:
            return (model, adapter), {str(adapter): own}
        return (model, None), {key: file for key, file in registered.items() if not file.own_model}

    def _there(self, place: _Place, wanted: dict[str, AdapterFile]) -> dict[str, AdapterFile]:
        """A file that is gone or another by now must neither be served nor keep the others from loading."""
        model, own = place
        there = {key: file for key, file in wanted.items() if _is_whole(file)}
        for key in wanted.keys() - there.keys():
            del self._adapters[model][key]
        if own is not None and not there:
            raise MissingPartError("the agent's model is gone, or not what was trained.", element=own)
        return there

    def _retire(self, loaded: _Loaded | None) -> None:
        if loaded is not None:
            loaded.retired = True
            _close_if_unused(loaded)

    @property
    def busy(self) -> int:
        """How many requests embedded engines work on or have waiting."""
        with self._guard:
            return sum(loaded.users for loaded in self._embedded.values())

    def close(self) -> None:
        """Close every engine, each when the requests it serves have ended."""
        with self._guard:
            self._closed = True
            for loaded in self._embedded.values():
                self._retire(loaded)
            for server in self._servers.values():
                server.close()
            if self._adapter_server is not None:
                self._adapter_server.close()
            self._embedded.clear()
            self._servers.clear()


class _Current:
    """A model by name: every request goes to the engine that is loaded for it then. Implements ``Engine``."""

    def __init__(self, engines: Engines, model: str) -> None:
        self.name = model
        self._engines = engines

    def complete(self, messages: Sequence[Message], **options: Any) -> Completion:
        """See ``Engine.complete``."""
        with self._engines.lease(self.name, options.get("adapter")) as engine:
            return engine.complete(messages, **options)

    def stream(self, messages: Sequence[Message], **options: Any) -> Iterator[str]:
        """See ``Engine.stream``."""
        with self._engines.lease(self.name, options.get("adapter")) as engine:
            yield from engine.stream(messages, **options)


def _hashes(adapters: Mapping[str, AdapterFile]) -> dict[str, str]:
    return {key: file.sha256 for key, file in adapters.items()}


def _is_whole(file: AdapterFile) -> bool:
    return file.path.is_file() and hash_file(file.path) == file.sha256


def _close_if_unused(loaded: _Loaded) -> None:
    if loaded.retired and loaded.users == 0:
        loaded.engine.close()


def _load_embedded(
    model: str, adapters: Mapping[str, AdapterFile], *, turns: ModelTurns, threads: int, parallel: int
) -> LoadedEngine:
    from allotment.models._embedded import EmbeddedEngine  # loading the native library takes a while

    if not any(file.own_model for file in adapters.values()):
        locate(model)
    return EmbeddedEngine(find_model(model), adapters=adapters, turns=turns, threads=threads, parallel=parallel)
