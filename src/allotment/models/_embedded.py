"""The embedded engine: llama.cpp in this process, several adapters loaded once and chosen per request.

An agent's own model is loaded alone, and then answers nothing without a grant for that agent and version. The HTTP
listener, which llama.cpp always opens, is a socket file in a private folder behind a random key: nobody reaches an
adapter past the grant. Requests under a grant never share a prompt cache.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import xllamacpp

from allotment.access import Grant, require_grant
from allotment.cancellation import Cancellation, cancellable, current
from allotment.errors import Cancelled, EngineError, MissingPartError, NotGranted
from allotment.models._catalogue import ModelEntry
from allotment.models._engine import AdapterFile, Completion, Message, finish_of
from allotment.models._template import ChatTemplate, load_template
from allotment.models._turns import ModelTurns


class EmbeddedEngine:
    """One base model in memory with its adapters, or one agent's own model. Thread-safe; implements ``Engine``."""

    def __init__(
        self,
        entry: ModelEntry,
        *,
        adapters: Mapping[str, AdapterFile],
        turns: ModelTurns,
        threads: int = 0,
        parallel: int = 4,
    ) -> None:
        """Load the model.

        Args:
            entry: the model; its file must be here.
            adapters: ``AGENT/VERSION`` → its file, loaded now; an agent's own model is the only one, and takes the
                place of the base model's file.
            turns: shared with the other engines of this process.
            threads: processor threads, 0 for all cores.
            parallel: requests decoded in one batch.
        """
        self.name = entry.name
        self.template: ChatTemplate = load_template(entry.template)
        self._turns = turns
        self._adapters = {key: file.sha256 for key, file in adapters.items()}
        own = [file for file in adapters.values() if file.own_model]
        if own and len(adapters) > 1:
            raise EngineError("an agent's own model is loaded alone.", element=", ".join(adapters))
        self._is_own = bool(own)
        path = own[0].path if own else entry.path
        self._folder = Path(tempfile.mkdtemp(prefix="allotment-engine-"))
        self._turn = f"{entry.name} {self._folder.name}"  # two engines of one model must not compute at once either
        parameters = server_parameters(path, self._folder, threads)
        parameters.n_ctx, parameters.n_parallel = entry.context, parallel
        parameters.lora_adapters = [
            xllamacpp.CommonAdapterLoraInfo(str(file.path), 0.0) for file in adapters.values() if not file.own_model
        ]
        try:
            self._server = xllamacpp.Server(parameters)
            self._server.handle_completions({"prompt": [0], "max_tokens": 1})  # one closed before its loop runs hangs
        except Exception as error:
            shutil.rmtree(self._folder, ignore_errors=True)
            anew = f"Fetch it anew: remove {path} and run `allotment models pull {entry.name}`."
            raise EngineError(
                f"the model could not be loaded ({error}).",
                element=next(iter(adapters)) if own else entry.name,
                remedy="Train it again." if own else anew,
            ) from error

    @property
    def adapters(self) -> Mapping[str, str]:
        """Adapters this engine has loaded, with the sha256 of their files."""
        return self._adapters

    def close(self) -> None:
        """Give the memory back."""
        self._server = None
        shutil.rmtree(self._folder, ignore_errors=True)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int = 0,
        schema: Mapping[str, Any] | None = None,
        stop: Sequence[str] = (),
        adapter: str | None = None,
        grant: Grant | None = None,
    ) -> Completion:
        """See ``Engine.complete``."""
        request = self._request(messages, max_tokens, temperature, seed, stop, adapter, grant)
        if schema is not None:
            request["json_schema"] = dict(schema)
        pieces: list[str] = []
        last = self._write(request, pieces.append)
        usage, reason = last["usage"], last["choices"][0]["finish_reason"]
        return Completion("".join(pieces), usage["prompt_tokens"], usage["completion_tokens"], finish_of(reason))

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int = 0,
        stop: Sequence[str] = (),
        adapter: str | None = None,
        grant: Grant | None = None,
    ) -> Iterator[str]:
        """See ``Engine.stream``."""
        request = self._request(messages, max_tokens, temperature, seed, stop, adapter, grant)
        pieces: queue.SimpleQueue[str | Exception | None] = queue.SimpleQueue()
        mine = Cancellation()
        worker = threading.Thread(target=self._produce, args=(request, pieces, mine), daemon=True)
        with current().calling(lambda: mine.cancel(Cancelled("nobody waits for it any longer."))):
            worker.start()
            try:
                while (piece := pieces.get()) is not None:
                    if isinstance(piece, Exception):
                        raise piece
                    yield piece
            finally:
                mine.cancel(Cancelled("the reader went away."))
                worker.join()

    def _produce(
        self, request: dict[str, Any], pieces: queue.SimpleQueue[str | Exception | None], mine: Cancellation
    ) -> None:
        try:
            with cancellable(mine):
                self._write(request, pieces.put)
            pieces.put(None)
        except Exception as error:  # handed to the reader, who raises it
            pieces.put(error)

    def _write(self, request: dict[str, Any], put: Callable[[str], None]) -> Mapping[str, Any]:
        """Have the model write, piece by piece; returns the last chunk, which has the counts.

        Raises:
            Cancelled: nobody waits for it any longer; the model stopped at its next token.
            EngineError: it refused or failed.
        """
        wanted = current()
        last: Mapping[str, Any] = {}

        def take(chunk: Mapping[str, Any]) -> bool:
            nonlocal last
            last = chunk
            for choice in chunk.get("choices", ()):
                if choice.get("text"):
                    put(str(choice["text"]))
            return wanted.given

        with self._turns.turn(self._turn):
            self._call({**request, "stream": True, "stream_options": {"include_usage": True}}, take)
        wanted.require()
        if "usage" not in last:
            raise EngineError(f"the engine refused ({json.dumps(last)[:200]}).", element=self.name)
        return last

    def _call(self, request: dict[str, Any], take: Callable[[Mapping[str, Any]], bool]) -> None:
        if self._server is None:
            raise EngineError("the engine was closed.", element=self.name)
        try:
            self._server.handle_completions(request, take)
        except Exception as error:
            raise EngineError(f"the engine failed ({error}).", element=self.name, remedy="Start it again.") from error

    def _request(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        temperature: float,
        seed: int,
        stop: Sequence[str],
        adapter: str | None,
        grant: Grant | None,
    ) -> dict[str, Any]:
        return {
            "prompt": self.template.render(messages, add_generation_prompt=True),
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
            "stop": [self.template.stop, *stop],
            "cache_prompt": adapter is None,
            "lora": self._lora(adapter, grant),
        }

    def _lora(self, adapter: str | None, grant: Grant | None) -> list[dict[str, float]]:
        """Scale 1 for the granted adapter and 0 for every other: never a mixture. An own model is all of its agent."""
        if adapter is None and self._is_own:
            raise NotGranted("this model is an agent's own; it answers under a grant alone.", element=self.name)
        if adapter is not None:
            agent, _, version = adapter.partition("/")
            facts = require_grant(grant, agent=agent, adapter=version).decision.request.adapter
            if facts is None or self._adapters.get(adapter) != facts.sha256:
                raise MissingPartError("the granted adapter is not loaded.", element=adapter, remedy="Ask again.")
        loras = [] if self._is_own else list(self._adapters)
        return [{"id": number, "scale": 1.0 if key == adapter else 0.0} for number, key in enumerate(loras)]


def server_parameters(model: Path, folder: Path, threads: int) -> Any:
    """What a llama.cpp server of ours has in common: few doors, and its socket behind a key in a private folder."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(model)
    parameters.kv_unified = True
    parameters.cpuparams.n_threads = threads or os.cpu_count() or 1
    parameters.warmup = False
    parameters.verbosity = -1
    parameters.cache_ram_mib = 0
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.endpoint_props = False
    parameters.api_keys = [secrets.token_hex(32)]
    parameters.hostnames = [str(folder / "engine.sock")]
    parameters.lora_init_without_apply = True
    return parameters
