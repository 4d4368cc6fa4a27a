"""Responses in OpenAI's shape, and what they say beyond it: where an answer comes from."""

from __future__ import annotations

import json
import secrets
import struct
import time
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from allotment.answering import AgentInfo, Answer, Embedding

AUTO = "auto"
"""The model name that lets the chain choose among the entitled agents."""


def model_data(name: str) -> dict[str, Any]:
    """One entry of the list of models."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "allotment"}


def model_list(agents: tuple[AgentInfo, ...]) -> list[dict[str, Any]]:
    """``auto`` and the agents; nothing for someone who is entitled to none."""
    names = [AUTO, *(agent.name for agent in agents)] if agents else []
    return [model_data(name) for name in names]


def allotment_field(answer: Answer) -> dict[str, Any]:
    """Where an answer comes from: the extra field of a response."""
    return {
        "agent": answer.agent,
        "adapter": answer.adapter,
        "account": answer.account,
        "sql": answer.sql,
        "outcome": answer.outcome,
        "decision": answer.record,
        "explanation": [list(pair) for pair in answer.explanation],
    }


def allotment_headers(answer: Answer) -> dict[str, str]:
    """The same for clients that see headers only; what is not there has no header."""
    values = {"agent": answer.agent, "adapter": answer.adapter, "account": answer.account, "decision": answer.record}
    return {
        f"x-allotment-{name}": str(value).encode("ascii", "replace").decode()
        for name, value in values.items()
        if value is not None
    }


@dataclass(frozen=True)
class Completion:
    """One chat completion on its way out."""

    model: str
    id: str = field(default_factory=lambda: "chatcmpl-" + secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, answer: Answer) -> dict[str, Any]:
        """The response that is not streamed."""
        message = {"role": "assistant", "content": answer.text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": finish_reason(answer), "logprobs": None}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": usage(answer),
            "allotment": allotment_field(answer),
        }

    def delta(self, delta: dict[str, str]) -> bytes:
        """A streamed piece."""
        return data_frame(self._chunk(delta, None))

    def last(self, answer: Answer) -> bytes:
        """The streamed piece that says why it ended and where the answer comes from."""
        return data_frame({**self._chunk({}, finish_reason(answer)), "allotment": allotment_field(answer)})

    def usage(self, answer: Answer) -> bytes:
        """The streamed piece with the token counts, for clients that asked for it."""
        return data_frame({**self._head("chat.completion.chunk"), "choices": [], "usage": usage(answer)})

    def _chunk(self, delta: dict[str, str], finish: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return {**self._head("chat.completion.chunk"), "choices": [choice]}

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}


def finish_reason(answer: Answer) -> str:
    """``content_filter`` when a check stopped the question or the answer, ``length`` when it was cut at its longest."""
    return "content_filter" if answer.outcome == "refused" else answer.finish


def usage(answer: Answer) -> dict[str, int]:
    """Token counts."""
    total = answer.prompt_tokens + answer.completion_tokens
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": total,
    }


def embeddings(model: str, found: Embedding, *, base64: bool) -> dict[str, Any]:
    """Vectors; their tokens are not counted."""
    data = [
        {"object": "embedding", "index": index, "embedding": _packed(vector) if base64 else list(vector)}
        for index, vector in enumerate(found.vectors)
    ]
    return {
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": 0, "total_tokens": 0},
        "allotment": {"agent": found.agent, "decision": found.record},
    }


def _packed(vector: tuple[float, ...]) -> str:
    return b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def data_frame(data: dict[str, Any]) -> bytes:
    """One piece of a stream as OpenAI's clients read it."""
    return f"data: {json.dumps(data)}\n\n".encode()
