"""Any OpenAI-compatible server as an engine: vLLM, Ollama, llama.cpp, or a hosted one.

A model is written ``https://host/v1#model-name`` in ``allotment.yaml``; the key is read from the
environment variable ``ALLOTMENT_SERVER_KEY``. Adapters are refused: they are served by the embedded engine, or by the
one server the project declares for them (``_adapter_server``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from allotment.access import Grant
from allotment.errors import EngineError
from allotment.models._engine import Completion, Message
from allotment.models._line import Line
from allotment.models._openai import COMPLETIONS, chat_body, read_completion, schema_format, server_headers, split_name

_BROKEN = (ConnectionError, ValueError, KeyError, TypeError, AttributeError)


class ServerEngine:
    """A model behind an OpenAI-compatible server; implements ``Engine``."""

    def __init__(self, name: str, line: Line | None = None) -> None:
        """``name`` is ``URL#MODEL``; ``line`` another way to the server than by the address and the usual key."""
        url, self._model = split_name(name)
        self.name = name
        self._line = line or Line(url, server_headers())

    def close(self) -> None:
        """Close the connections."""
        self._line.close()

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
        body = self._body(messages, max_tokens, temperature, seed, stop) | self._named(adapter, grant)
        if schema is not None:
            body["response_format"] = schema_format(schema)
        try:
            result = self._line.post(COMPLETIONS, body)
            found = read_completion(result)
        except (ConnectionError, ValueError) as error:
            raise self._failed(error) from error
        self._check_model(result.get("model"), body["model"])
        return found

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
        body = self._body(messages, max_tokens, temperature, seed, stop) | self._named(adapter, grant)
        try:
            for data in self._line.events(COMPLETIONS, {**body, "stream": True}):
                if text := self._piece(data, body["model"]):
                    yield text
        except _BROKEN as error:
            raise self._failed(error) from error

    def _piece(self, data: str, name: str) -> str:
        """The text of one piece of a streamed answer; raises one of ``_BROKEN`` where it is no such piece."""
        chunk = json.loads(data)
        self._check_model(chunk.get("model"), name)
        choice: dict[str, Any] = next(iter(chunk["choices"]), {})
        return str(choice.get("delta", {}).get("content") or "")

    def _body(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        temperature: float,
        seed: int,
        stop: Sequence[str],
    ) -> dict[str, Any]:
        body = chat_body(self._model, messages, max_tokens=max_tokens, temperature=temperature, seed=seed)
        return body | ({"stop": list(stop)} if stop else {})

    def _named(self, adapter: str | None, grant: Grant | None) -> dict[str, Any]:
        """The part of a request that says which model answers."""
        if adapter is not None:
            raise EngineError("this server is not declared for adapters.", element=self.name)
        return {"model": self._model}

    def _check_model(self, told: Any, name: str) -> None:
        """Servers name the model as they like; for adapters it must be the one asked."""

    def _failed(self, error: Exception) -> EngineError:
        return EngineError(
            f"the server did not give an answer ({error}).",
            element=self.name,
            remedy="Check that it runs, and the key in ALLOTMENT_SERVER_KEY.",
        )
