"""The engines of one process: one per model, made when first asked for, sharing turns at the processor.

A model whose adapters changed is loaded anew beside the engine that runs; the old one is closed when the last
request it serves has ended.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

from allotment.errors import EngineError
from allotment.models._catalogue import find_model, is_server, locate
from allotment.models._engine import AdapterFile, Completion, Engine, LoadedEngine, Message
from allotment.models._server import ServerEngine
from allotment.models._turns import ModelTurns
from allotment.workspace import hash_file

Load = Callable[[str, Mapping[str, AdapterFile]], LoadedEngine]
"""Loads a model with its adapters."""


@dataclass
class _Loaded:
    """An engine in memory and how many requests use it; a retired one takes no more."""

    engine: LoadedEngine
    users: int = 0
    retired: bool = False


class Engines:
    """Holds engines and the adapters registered for each base model; a context manager that closes them."""

    def __init__(self, threads: int = 0, parallel: int = 4, *, load: Load | None = None) -> None:
        """Nothing is loaded yet.

        Args:
            threads: processor threads of an embedded engine, 0 for all.
            parallel: requests in one batch.
            load: loads a model and its adapters; the embedded engine if none.
        """
        self._load = load or partial(_load_embedded, turns=ModelTurns(), threads=threads, parallel=parallel)
        self._guard = threading.RLock()
        self._embedded: dict[str, _Loaded] = {}
        self._servers: dict[str, ServerEngine] = {}
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
            self._adapters.setdefault(model, {})[adapter] = file

    def get(self, model: str) -> Engine:
        """The engine of a model, loaded now if it is not; it serves whatever is registered when it is asked.

        Raises:
            MissingPartError: the model's file is not here.
        """
        if is_server(model):
            with self._guard:
                return self._servers.setdefault(model, ServerEngine(model))
        with self.lease(model):
            return _Current(self, model)

    @contextmanager
    def lease(self, model: str) -> Iterator[LoadedEngine]:
        """A loaded engine with everything that is registered; it is not closed before this ends."""
        loaded = self._take(model)
        try:
            yield loaded.engine
        finally:
            with self._guard:
                loaded.users -= 1
                _close_if_unused(loaded)

    def _take(self, model: str) -> _Loaded:
        with self._guard:
            if self._closed:
                raise EngineError("the engines were closed.", element=model)
            loaded = self._embedded.get(model)
            if loaded is None or loaded.engine.adapters != _hashes(self._adapters.get(model, {})):
                # A file that is gone or another by now must neither be served nor keep the others from loading.
                there = {key: file for key, file in self._adapters.get(model, {}).items() if _is_whole(file)}
                fresh = _Loaded(self._load(model, there))
                self._adapters[model] = there
                self._retire(loaded)
                loaded = self._embedded[model] = fresh
            loaded.users += 1
            return loaded

    def _retire(self, loaded: _Loaded | None) -> None:
        if loaded is not None:
            loaded.retired = True
            _close_if_unused(loaded)

    def close(self) -> None:
        """Close every engine, each when the requests it serves have ended."""
        with self._guard:
            self._closed = True
            for loaded in self._embedded.values():
                self._retire(loaded)
            for server in self._servers.values():
                server.close()
            self._embedded.clear()
            self._servers.clear()


class _Current:
    """A model by name: every request goes to the engine that is loaded for it then. Implements ``Engine``."""

    def __init__(self, engines: Engines, model: str) -> None:
        self.name = model
        self._engines = engines

    def complete(self, messages: Sequence[Message], **options: Any) -> Completion:
        """See ``Engine.complete``."""
        with self._engines.lease(self.name) as engine:
            return engine.complete(messages, **options)

    def stream(self, messages: Sequence[Message], **options: Any) -> Iterator[str]:
        """See ``Engine.stream``."""
        with self._engines.lease(self.name) as engine:
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

    locate(model)
    return EmbeddedEngine(find_model(model), adapters=adapters, turns=turns, threads=threads, parallel=parallel)
