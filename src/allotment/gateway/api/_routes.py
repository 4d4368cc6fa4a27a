"""The OpenAI-compatible API, for programs with a key."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from concurrent.futures import Executor
from contextlib import aclosing
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from allotment.access import Principal
from allotment.answering import Answer, Delta, Event
from allotment.errors import PolicyError
from allotment.gateway._chain import Chain
from allotment.gateway.api._openai import (
    AUTO,
    ChatRequest,
    Completion,
    allotment_field,
    allotment_headers,
    data_frame,
    model_list,
)
from allotment.gateway.identity._identity import Identity
from allotment.gateway.pages._wire import FAILED
from allotment.gateway.web._problems import API_PREFIX, ApiError, openai_error
from allotment.gateway.web._security import LOG
from allotment.gateway.web._stream import AccessEnded, EventStream, KeepAlive, in_thread
from allotment.gateway.web._threads import begin


def api_routes(chain: Chain, identity: Identity, executor: Executor) -> APIRouter:
    """``/v1/models`` and ``/v1/chat/completions``."""
    router = APIRouter(prefix=API_PREFIX)

    @router.get("/models")
    def models(request: Request) -> dict[str, Any]:
        principal = identity.require_key(request)
        return {"object": "list", "data": model_list(chain.agents_for(principal))}

    @router.get("/models/{name}")
    def model(request: Request, name: str) -> dict[str, Any]:
        principal = identity.require_key(request)
        known = {entry["id"]: entry for entry in model_list(chain.agents_for(principal))}
        if name not in known:
            raise _no_model(name)
        return known[name]

    # The key is looked at before the body is parsed, so that nobody learns from parsing errors.
    @router.post("/chat/completions")
    async def chat_completions(request: Request) -> Response:
        principal = await run_in_threadpool(identity.require_key, request)
        body = await _chat_request(request)
        agent = await run_in_threadpool(_agent, chain, identity, request, principal, body.model)
        question = body.question()
        start = partial(chain.stream, principal, question, agent=agent)
        events = await begin(in_thread(executor, start, still=identity.still_live(request, principal)))
        completion = Completion(body.model)
        if body.stream:
            with_usage = body.stream_options is not None and body.stream_options.include_usage
            return EventStream(_pieces(events, completion, with_usage=with_usage))
        return await _whole(request, events, completion)

    return router


async def _chat_request(request: Request) -> ChatRequest:
    try:
        body = ChatRequest.model_validate_json(await request.body())
    except ValueError as error:
        first = error.errors()[0] if hasattr(error, "errors") else {"loc": (), "msg": "is not valid"}
        place = ".".join(str(part) for part in first["loc"]) or "body"
        raise ApiError(400, f"{place}: {first['msg']}", param=place) from None
    if body.n not in (None, 1):
        raise ApiError(400, "Only one answer at a time: n must be 1.", param="n")
    return body


def _agent(chain: Chain, identity: Identity, request: Request, principal: Principal, model: str) -> str | None:
    """The agent a model name stands for; none lets the chain choose.

    A name that exists for others is refused with the same words as one that does not exist.
    """
    entitled = {agent.name for agent in chain.agents_for(principal)}
    if model == AUTO:
        return None
    if not principal.may_ask(model):
        identity.refuse_agent(request, principal, model)
    if model not in entitled:
        raise _no_model(model)
    return model


def _no_model(name: str) -> ApiError:
    return ApiError(404, f"The model {name!r} does not exist.", param="model", code="model_not_found")


async def _whole(request: Request, events: AsyncGenerator[Event | KeepAlive], completion: Completion) -> Response:
    answer = Answer("failed", "")
    try:
        async with aclosing(events):
            async for event in events:
                if await request.is_disconnected():
                    return Response(status_code=499)
                if isinstance(event, Answer):
                    answer = event
    except PolicyError:
        raise _no_model(completion.model) from None
    except AccessEnded as error:
        raise ApiError(403, str(error), code="access_ended") from None
    if answer.outcome == "failed":
        body = {**openai_error(503, answer.text or FAILED), "allotment": allotment_field(answer)}
        return JSONResponse(body, 503, allotment_headers(answer))
    return JSONResponse(completion.whole(answer), headers=allotment_headers(answer))


async def _pieces(
    events: AsyncGenerator[Event | KeepAlive], completion: Completion, *, with_usage: bool
) -> AsyncGenerator[bytes]:
    async with aclosing(events):
        try:
            async for piece in _pieces_of(events, completion, with_usage=with_usage):
                yield piece
            yield b"data: [DONE]\n\n"
        except AccessEnded as error:
            yield data_frame(openai_error(403, str(error), code="access_ended"))
        except Exception:
            # The status line is long gone; an error inside the stream is what clients raise on.
            LOG.exception("a streamed answer failed")
            yield data_frame(openai_error(503, FAILED))


async def _pieces_of(
    events: AsyncIterator[Event | KeepAlive], completion: Completion, *, with_usage: bool
) -> AsyncGenerator[bytes]:
    yield completion.delta({"role": "assistant", "content": ""})
    async for event in events:
        if isinstance(event, KeepAlive):
            yield b": still working\n\n"
        elif isinstance(event, Delta):
            yield completion.delta({"content": event.text})
        elif isinstance(event, Answer) and event.outcome == "failed":
            yield data_frame({**openai_error(503, event.text or FAILED), "allotment": allotment_field(event)})
        elif isinstance(event, Answer):
            yield completion.last(event)
            if with_usage:
                yield completion.usage(event)
