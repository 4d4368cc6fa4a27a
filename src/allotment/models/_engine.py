"""The protocol of a model engine, and what goes in and out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from allotment.access import Grant

Finish = Literal["stop", "length"]
"""``length``: the model was cut off at ``max_tokens``."""


def finish_of(reason: object) -> Finish:
    """A server's finish reason as ours."""
    return "length" if reason == "length" else "stop"


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class AdapterFile:
    """What a version of an agent is served from, and the sha256 its manifest names."""

    path: Path
    sha256: str
    own_model: bool = False
    """Whether it is a model of the agent's own instead of an adapter of the base model."""


@dataclass(frozen=True)
class Completion:
    """What a model wrote, and what it cost in tokens."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    finish: Finish


class Engine(Protocol):
    """Something that completes conversations: the embedded engine or a server."""

    name: str
    """Model name, as written in ``allotment.yaml``."""

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
        """Complete a conversation.

        Args:
            messages: the conversation; control tokens inside contents are removed.
            max_tokens: most tokens to write.
            temperature: 0 always takes the likeliest token.
            seed: of the sampler, where the temperature is above 0.
            schema: JSON schema the text must follow.
            stop: texts that end the answer (left out of it).
            adapter: ``AGENT/VERSION`` of a registered adapter or model of its own; none uses the base model alone.
            grant: needed with an adapter, and must name its agent and version.

        Raises:
            NotGranted: an adapter, or an agent's own model, without a grant for it.
            EngineError: the engine does not answer.
            Cancelled: the answer is no longer wanted (``allotment.cancellation``); the model stopped at its next token.
        """
        ...

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
        """Like ``complete``, piece by piece; closing the iterator stops the model."""
        ...


class LoadedEngine(Engine, Protocol):
    """An engine in this process's memory."""

    @property
    def adapters(self) -> Mapping[str, str]:
        """``AGENT/VERSION`` of every adapter it has loaded, or whose own model it is → sha256 of the file."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...
