"""What all OpenAI-compatible servers have in common: a model's name, the key, requests and answers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from allotment.errors import ProjectError
from allotment.models._engine import Completion, Message, finish_of
from allotment.models._reasoning import strip_reasoning

COMPLETIONS = "/chat/completions"


def split_name(name: str) -> tuple[str, str]:
    """The URL and the model of a name ``URL#MODEL``; the URL has no slash at its end.

    Raises:
        ProjectError: it is no such name.
    """
    url, _, model = name.partition("#")
    if not url.startswith(("http://", "https://")) or not model:
        raise ProjectError(f"{name!r} is not URL#MODEL.", remedy="Write for example http://localhost:8000/v1#name.")
    return url.rstrip("/"), model


def server_key() -> str:
    """The key for servers, from the environment variable ``ALLOTMENT_SERVER_KEY``; empty if there is none."""
    return os.environ.get("ALLOTMENT_SERVER_KEY", "")


def server_headers() -> dict[str, str]:
    """What every request to a server carries."""
    key = server_key()
    return {"authorization": f"Bearer {key}"} if key else {}


def chat_body(
    model: str, messages: Sequence[Message], *, max_tokens: int, temperature: float, seed: int
) -> dict[str, Any]:
    """A request for one completion."""
    told = [{"role": message.role, "content": message.content} for message in messages]
    return {"model": model, "messages": told, "max_tokens": max_tokens, "temperature": temperature, "seed": seed}


def schema_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The ``response_format`` that holds a server to a JSON schema."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": dict(schema), "strict": True}}


def read_completion(result: Any) -> Completion:
    """A server's answer, without the model's reasoning; half characters in the text become question marks.

    Raises:
        ValueError: it is not a chat completion.
    """
    try:
        choice, usage = result["choices"][0], result.get("usage")
        text = _text(choice["message"].get("content"))
        finish = finish_of(choice.get("finish_reason"))
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError("not a chat completion") from error
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return Completion(
        strip_reasoning(whole), _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"), finish
    )


def _text(content: Any) -> str:
    if isinstance(content, list):  # some servers give the answer in parts, of which only texts are the answer
        return "".join(str(part.get("text", "")) for part in content if part.get("type") == "text")
    if not isinstance(content, str | None):
        raise TypeError
    return content or ""


def _count(usage: Any, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) and value >= 0 else 0
