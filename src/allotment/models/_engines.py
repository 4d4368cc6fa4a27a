"""The engines of one process: one per model, made when first asked for, sharing turns at the processor."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from allotment.models._catalogue import find_model, is_server, locate
from allotment.models._engine import Engine
from allotment.models._server import ServerEngine
from allotment.models._turns import ModelTurns

if TYPE_CHECKING:
    from allotment.models._embedded import EmbeddedEngine


class Engines:
    """Holds engines and the adapters registered for each base model; a context manager that closes them."""

    def __init__(self, threads: int = 0, parallel: int = 4) -> None:
        """``threads``: processor threads of an embedded engine, 0 for all; ``parallel``: requests in one batch."""
        self._threads = threads
        self._parallel = parallel
        self._turns = ModelTurns()
        self._guard = threading.RLock()
        self._embedded: dict[str, EmbeddedEngine] = {}
        self._servers: dict[str, ServerEngine] = {}
        self._adapters: dict[str, dict[str, Path]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def register_adapter(self, model: str, adapter: str, file: Path) -> None:
        """Make ``AGENT/VERSION`` known for a base model; a running engine is loaded again at its next use."""
        with self._guard:
            self._adapters.setdefault(model, {})[adapter] = file

    def get(self, model: str) -> Engine:
        """The engine of a model, loaded now if it is not.

        Raises:
            MissingPartError: the model's file is not here.
        """
        with self._guard:
            if is_server(model):
                return self._servers.setdefault(model, ServerEngine(model))
            wanted = self._adapters.get(model, {})
            engine = self._embedded.get(model)
            if engine is not None and engine.adapters == wanted.keys():
                return engine
            if engine is not None:
                with self._turns.turn(f"reload {model}"):
                    engine.close()
            self._embedded[model] = self._load(model, wanted)
            return self._embedded[model]

    def _load(self, model: str, adapters: dict[str, Path]) -> EmbeddedEngine:
        from allotment.models._embedded import EmbeddedEngine  # loading the native library takes a while

        locate(model)
        return EmbeddedEngine(
            find_model(model), adapters=adapters, turns=self._turns, threads=self._threads, parallel=self._parallel
        )

    def close(self) -> None:
        """Close every engine."""
        with self._guard:
            for embedded in self._embedded.values():
                embedded.close()
            for server in self._servers.values():
                server.close()
            self._embedded.clear()
            self._servers.clear()
