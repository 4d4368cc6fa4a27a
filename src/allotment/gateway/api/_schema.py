"""What the API's own description says of its bodies, responses and errors."""

from __future__ import annotations

import json
from typing import Any, Literal

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict

from allotment.gateway.api._requests import ChatRequest, EmbeddingRequest


class _Shown(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ModelData(_Shown):
    """An agent, or ``auto``."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(_Shown):
    """The agents a key may ask; empty for a role that may ask none."""

    object: Literal["list"]
    data: list[ModelData]


class Route(_Shown):
    """Where an answer comes from."""

    agent: str | None
    adapter: str | None
    """Version of the adapter that answered."""
    account: str | None
    """Database account that was used."""
    sql: str | None
    outcome: Literal["answered", "refused", "unknown", "failed"]
    decision: int | None
    """Number of the audit record."""
    explanation: list[tuple[str, str]]


class _Said(_Shown):
    role: Literal["assistant"]
    content: str
    refusal: None


class _Choice(_Shown):
    index: int
    message: _Said
    finish_reason: Literal["stop", "length", "content_filter"]
    logprobs: None


class _Usage(_Shown):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(_Shown):
    """A whole answer."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[_Choice]
    usage: _Usage
    allotment: Route


class _Vector(_Shown):
    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class _VectorUsage(_Shown):
    prompt_tokens: int
    total_tokens: int


class _VectorRoute(_Shown):
    agent: str
    decision: int


class Embeddings(_Shown):
    """Vectors of length 1, as numbers or as base64 of little-endian floats."""

    object: Literal["list"]
    data: list[_Vector]
    model: str
    usage: _VectorUsage
    allotment: _VectorRoute


class _Fault(_Shown):
    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(_Shown):
    """What went wrong; ``allotment`` where an answer ended as failed."""

    error: _Fault
    allotment: Route | None = None


_HEADERS = {
    f"x-allotment-{name}": {"description": text, "schema": {"type": "string"}}
    for name, text in {
        "agent": "The agent that answered.",
        "adapter": "Version of its adapter.",
        "account": "Database account that was used.",
        "decision": "Number of the audit record.",
    }.items()
}
_STREAM = {"schema": {"type": "string"}, "example": 'data: {"object": "chat.completion.chunk"}\n\ndata: [DONE]\n\n'}
_ERRORS = {
    400: "The request is not as described, or asks for what cannot be honoured.",
    401: "No key, an unknown one or a revoked one.",
    403: "Two places declare different roles for the key's user, or his access ended meanwhile.",
    404: "No such model; one that exists for others is told in the same words.",
    413: "The body is too large.",
    414: "The address is too long.",
    431: "The headers are too large.",
    500: "Something failed.",
    503: "The answer could not be made; it is on record.",
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Descriptions of error responses."""
    return {status: {"model": ErrorBody, "description": _ERRORS[status]} for status in (*statuses, 414, 431, 500)}


CHAT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": ChatCompletion,
        "description": "The answer, whole or as server-sent events.",
        "headers": _HEADERS,
        "content": {"text/event-stream": _STREAM},
    },
    **errors(400, 401, 403, 404, 413, 503),
}


def body_of(kind: type[BaseModel]) -> dict[str, Any]:
    """The description of a body that the route reads itself, after the key."""
    schema = kind.model_json_schema()
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema, schema)}}}}


def _inlined(part: Any, whole: dict[str, Any]) -> Any:
    """A schema without references, for they would point to the root of another document."""
    if isinstance(part, list):
        return [_inlined(item, whole) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(whole["$defs"][part["$ref"].rpartition("/")[2]], whole)
    return {key: _inlined(value, whole) for key, value in part.items() if key != "$defs"}


CHAT_BODY = body_of(ChatRequest)
EMBEDDING_BODY = body_of(EmbeddingRequest)


def described(app: FastAPI, prefix: str) -> dict[str, Any]:
    """The description of all routes for programs: those below ``prefix``, and the health of the process."""
    whole = get_openapi(title=app.title, version="1", description=_ABOUT, routes=app.routes)
    whole["paths"] = {path: item for path, item in whole["paths"].items() if _is_for_programs(path, prefix)}
    for item in whole["paths"].values():
        for operation in item.values():
            operation["responses"].pop("422", None)  # what does not fit is a 400 here
    schemas, named = whole["components"]["schemas"], ""
    while named != (named := json.dumps(whole)):  # a model that is not used any more may be all that used another
        for name in [name for name in schemas if f'schemas/{name}"' not in named]:
            del schemas[name]
    return whole


def _is_for_programs(path: str, prefix: str) -> bool:
    return path.startswith(prefix + "/") or path in ("/healthz", "/readyz")


_ABOUT = (
    "OpenAI-compatible. A model is an agent; the key alone says who asks. Fields of a request that are not described"
    " here are not read: tools, user and metadata change nothing, and a system message is the user's words."
)
