"""Requests and responses in OpenAI's shape.

Only the last user message is the question. ``system`` and ``developer`` messages, tool definitions and
whatever else a client sends carry no authority here and are not read: what an agent is told is decided by
the project, and who asks by the key.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, Field

from allotment.answering import AgentInfo, Answer
from allotment.gateway.web._problems import ApiError

AUTO = "auto"
"""The model name that lets the chain choose among the entitled agents."""
MAX_QUESTION_LENGTH = 4000


class _Part(BaseModel):
    type: str
    text: str = ""


class _Message(BaseModel):
    role: str
    content: str | list[_Part] | None = None


class _StreamOptions(BaseModel):
    include_usage: bool = False


class ChatRequest(BaseModel):
    """The part of a chat completion request that is read; the rest is ignored."""

    model: str
    messages: list[_Message] = Field(min_length=1, max_length=1000)
    stream: bool = False
    stream_options: _StreamOptions | None = None
    n: int | None = None

    def question(self) -> str:
        """The text of the last user message.

        Raises:
            ApiError: 400, there is none, it is empty, or it is too long.
        """
        texts = [_text(message) for message in self.messages if message.role == "user"]
        question = texts[-1].strip() if texts else ""
        if not question:
            raise ApiError(400, "The last user message is the question; there is none.", param="messages")
        if len(question) > MAX_QUESTION_LENGTH:
            rule = f"The question is longer than {MAX_QUESTION_LENGTH} characters."
            raise ApiError(400, rule, param="messages", code="string_above_max_length")
        return question


def _text(message: _Message) -> str:
    if isinstance(message.content, list):
        return "\n".join(part.text for part in message.content if part.type == "text")
    return message.content or ""


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
    """``content_filter`` when a check stopped the question or the answer, else ``stop``."""
    return "content_filter" if answer.outcome == "refused" else "stop"


def usage(answer: Answer) -> dict[str, int]:
    """Token counts."""
    total = answer.prompt_tokens + answer.completion_tokens
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": total,
    }


def data_frame(data: dict[str, Any]) -> bytes:
    """One piece of a stream as OpenAI's clients read it."""
    return f"data: {json.dumps(data)}\n\n".encode()
