"""The OpenAI-compatible API, for programs with a key."""

from __future__ import annotations

from concurrent.futures import Executor
from functools import partial
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from fastapi.security import HTTPBearer

from allotment.access import Principal
from allotment.answering import Answer, Delta
from allotment.audit import RecordedDenial
from allotment.errors import AccessDenied, EngineError, MissingPartError
from allotment.gateway._chain import Chain
from allotment.gateway.api._completion import pieces, whole
from allotment.gateway.api._openai import AUTO, Completion, embeddings, model_list
from allotment.gateway.api._requests import ChatRequest, EmbeddingRequest, read
from allotment.gateway.api._schema import (
    CHAT_BODY,
    CHAT_RESPONSES,
    EMBEDDING_BODY,
    Embeddings,
    ModelData,
    ModelList,
    described,
    errors,
)
from allotment.gateway.identity._identity import Identity
from allotment.gateway.web._gone import unless_gone
from allotment.gateway.web._problems import API_PREFIX, ApiError
from allotment.gateway.web._stream import EventStream, in_thread
from allotment.gateway.web._threads import begin
from allotment.project import AnswerLimits

CLIENT_GONE = 499
"""Status of a response that nobody reads any more."""


def api_routes(
    chain: Chain, identity: Identity, executor: Executor, answers: AnswerLimits, answer_s: float
) -> APIRouter:
    """``/v1/models``, ``/v1/chat/completions``, ``/v1/embeddings`` and their description.

    ``answers`` bounds what a request may ask for, ``answer_s`` the seconds an answer may take.
    """
    # The scheme is there for the description; each route looks at the key itself, before anything else.
    router = APIRouter(prefix=API_PREFIX, dependencies=[Depends(HTTPBearer(auto_error=False))])

    @router.get("/openapi.json", responses=errors(401, 403))
    def description(request: Request) -> dict[str, Any]:
        """This description."""
        identity.require_key(request)
        return described(request.app, API_PREFIX)

    @router.get("/models", response_model=ModelList, responses=errors(401, 403))
    def models(request: Request) -> dict[str, Any]:
        """The agents the key's user may ask, and `auto`, which lets the gateway choose among them."""
        principal = identity.require_key(request)
        return {"object": "list", "data": model_list(chain.agents_for(principal))}

    @router.get("/models/{name}", response_model=ModelData, responses=errors(401, 403, 404))
    def model(request: Request, name: str) -> dict[str, Any]:
        """One agent the key's user may ask."""
        principal = identity.require_key(request)
        known = {entry["id"]: entry for entry in model_list(chain.agents_for(principal))}
        if name not in known:
            raise no_model(name)
        return known[name]

    # The key is looked at before the body is parsed, so that nobody learns from parsing errors.
    @router.post("/chat/completions", responses=CHAT_RESPONSES, openapi_extra=CHAT_BODY)
    async def chat_completions(request: Request) -> Response:
        """One question, one answer. The last user message is the question."""
        principal = await run_in_threadpool(identity.require_key, request)
        body = read(ChatRequest, await request.body())
        agent = await _agent(chain, identity, request, principal, body.model)
        question, options = body.question(), body.options(answers)
        around = {"context": body.context(), "earlier": body.earlier()}
        start = partial(chain.stream, principal, question, agent=agent, options=options, **around)
        still = identity.still_live(request, principal)
        wanted = (Delta, Answer) if body.stream else (Answer,)
        events = await begin(in_thread(executor, start, still=still, limit_s=answer_s, only=wanted))
        completion = Completion(body.model)
        if body.stream:
            return EventStream(pieces(events, completion, with_usage=body.with_usage))
        response = await unless_gone(request, whole(events, completion))
        return response or Response(status_code=CLIENT_GONE)

    @router.post(
        "/embeddings",
        responses={200: {"model": Embeddings}, **errors(400, 401, 403, 404, 413, 503)},
        openapi_extra=EMBEDDING_BODY,
    )
    async def vectors(request: Request) -> Response:
        """Vectors of texts, by the model that the search of an agent's sections uses."""
        principal = await run_in_threadpool(identity.require_key, request)
        body = read(EmbeddingRequest, await request.body())
        agent = await _agent(chain, identity, request, principal, body.model)
        try:
            found = await run_in_threadpool(chain.embed, principal, body.texts, agent=agent)
        except RecordedDenial:
            raise no_model(body.model) from None
        except (AccessDenied, EngineError):
            raise ApiError(503, "No vectors can be made at the moment. Please try again later.") from None
        except MissingPartError:
            missing = "There is no embedding model here."
            raise ApiError(404, missing, param="model", code="model_not_found") from None
        return JSONResponse(embeddings(body.model, found, base64=body.encoding_format == "base64"))

    return router


async def _agent(chain: Chain, identity: Identity, request: Request, principal: Principal, model: str) -> str | None:
    """The agent a model name stands for; none lets the chain choose.

    A name that exists for others is refused with the same words as one that does not exist.
    """
    entitled = {agent.name for agent in chain.agents_for(principal)}
    if model == AUTO:
        return None
    if not principal.may_ask(model):
        await run_in_threadpool(identity.refuse_agent, request, principal, model)
    if model not in entitled:
        raise no_model(model)
    return model


def no_model(name: str) -> ApiError:
    """The error of a model that does not exist, or exists for others only."""
    return ApiError(404, f"The model {name!r} does not exist.", param="model", code="model_not_found")
