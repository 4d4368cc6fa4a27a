"""Any OpenAI-compatible server as an engine: vLLM, Ollama, llama.cpp, or a hosted one.

A model is written ``https://host/v1#model-name`` in ``allotment.yaml``; the key is read from the
environment variable ``ALLOTMENT_SERVER_KEY``. Adapters are refused: they are served by the embedded engine, or by the
one server the project declares for them (``_adapter_server``).
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import httpx

from allotment.access import Grant
from allotment.cancellation import current, is_cancellable
from allotment.errors import EngineError
from allotment.models._engine import Completion, Message
from allotment.models._openai import COMPLETIONS, chat_body, read_completion, schema_format, server_headers, split_name

TIMEOUT = httpx.Timeout(10.0, read=300.0)
"""Seconds to connect and send, and to wait for more of an answer."""


@dataclass(frozen=True)
class _Piece:
    """One piece of a streamed answer."""

    text: str
    finish: object
    usage: object

    @classmethod
    def read(cls, chunk: Any) -> Self:
        """Raises ``KeyError``, ``TypeError`` or ``AttributeError`` where it is no such piece."""
        choice: dict[str, Any] = next(iter(chunk["choices"]), {})
        text = choice.get("delta", {}).get("content") or ""
        return cls(str(text), choice.get("finish_reason"), chunk.get("usage"))


class ServerEngine:
    """A model behind an OpenAI-compatible server; implements ``Engine``."""

    def __init__(self, name: str, client: httpx.Client | None = None) -> None:
        """``name`` is ``URL#MODEL``; ``client`` stands in for the network in tests."""
        url, self._model = split_name(name)
        self.name = name
        self._client = client or httpx.Client(base_url=url, headers=server_headers(), timeout=TIMEOUT)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

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
        if is_cancellable():
            return self._streamed(body)
        try:
            response = self._client.post(COMPLETIONS, json=body)
            response.raise_for_status()
            result = response.json()
            found = read_completion(result)
        except (httpx.HTTPError, ValueError) as error:
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
        yield from (piece.text for piece in self._pieces(body) if piece.text)

    def _streamed(self, body: dict[str, Any]) -> Completion:
        """A completion that can be cancelled: written piece by piece, the connection is closed in between."""
        pieces: list[str] = []
        finish: object = None
        usage: object = None
        for piece in self._pieces({**body, "stream_options": {"include_usage": True}}):
            pieces.append(piece.text)
            finish, usage = piece.finish or finish, piece.usage or usage
        if not pieces:
            raise self._failed(ValueError("no stream"))
        message = {"content": "".join(pieces)}
        return read_completion({"choices": [{"message": message, "finish_reason": finish}], "usage": usage})

    def _pieces(self, body: dict[str, Any]) -> Iterator[_Piece]:
        wanted = current()
        try:
            with self._client.stream("POST", COMPLETIONS, json={**body, "stream": True}) as response:
                response.raise_for_status()
                with wanted.calling(partial(_hang_up, response)):
                    for line in response.iter_lines():
                        wanted.require()
                        data = line.removeprefix("data:").strip()
                        if line.startswith("data:") and data != "[DONE]":
                            chunk = json.loads(data)
                            self._check_model(chunk.get("model"), body["model"])
                            yield _Piece.read(chunk)
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            wanted.require()
            raise self._failed(error) from error

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


def _hang_up(response: httpx.Response) -> None:
    """Wake whoever reads the response; the server sees that nobody listens and stops."""
    stream = response.extensions.get("network_stream")
    line = stream.get_extra_info("socket") if stream is not None else None
    if line is not None:
        with suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)
