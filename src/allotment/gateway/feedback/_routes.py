"""``POST /feedback`` for the page and ``POST /v1/feedback`` for programs: a user marks an answer of his own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from fastapi.security import HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from allotment.access import Principal
from allotment.errors import AccessDenied, InputError, IntegrityError
from allotment.feedback import VERDICTS
from allotment.gateway._chain import Chain
from allotment.gateway.api._schema import ErrorBody, body_of, errors
from allotment.gateway.feedback._marking import Feedback, NotYours
from allotment.gateway.feedback._store import MOST_NOTE, Marking
from allotment.gateway.identity._identity import Identity, address_of
from allotment.gateway.web._json import BadJson, read_json
from allotment.gateway.web._problems import API_PREFIX
from allotment.gateway.web._security import LOG, csrf_matches
from allotment.gateway.wording import say

_UNKNOWN = say("There is no such answer.")
_RESPONSES: dict[int | str, dict[str, Any]] = {
    204: {"description": "The mark is kept, in the place of an earlier one."},
    404: {"model": ErrorBody, "description": "No such answer of the key's user."},
    429: {"model": ErrorBody, "description": "Too many marks in this hour."},
    503: {"model": ErrorBody, "description": "The mark could not be kept or recorded."},
}
_SENTENCES = {
    "decision": "decision is the number of the answer's decision.",
    "verdict": f"verdict is one of {', '.join(VERDICTS)}.",
    "agent": "agent is a name, or null.",
    "note": f"A note has at most {MOST_NOTE} characters.",
}


class FeedbackBody(BaseModel):
    """What a user says of one of his answers."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")

    decision: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,17}$")] | Annotated[int, Field(ge=1, lt=10**18)]
    """Number of the decision, as the answer has it."""
    verdict: Literal["useful", "wrong_answer", "wrongly_refused", "wrong_agent"]
    agent: Annotated[str, StringConstraints(max_length=41)] | None = None
    """With `wrong_agent`: who should have answered."""
    note: Annotated[str, StringConstraints(max_length=MOST_NOTE)] = ""


def feedback_routes(feedback: Feedback, chain: Chain, identity: Identity) -> APIRouter:
    """For the page: a session, and its CSRF token."""
    router, marks = APIRouter(), _Marks(feedback, chain, identity)

    @router.post("/feedback", status_code=204)
    async def mark(request: Request) -> Response:
        session = await run_in_threadpool(identity.session, request)
        if session is None:
            raise HTTPException(401, say("You are signed out. Sign in and try again."))
        if not csrf_matches(session.token, request.headers.get("x-csrf-token")):
            raise HTTPException(403, say("This page is out of date. Load it again, then repeat."))
        return await marks.mark(request, session.principal)

    return router


def feedback_api_routes(feedback: Feedback, chain: Chain, identity: Identity) -> APIRouter:
    """For programs: a key."""
    router = APIRouter(prefix=API_PREFIX, dependencies=[Depends(HTTPBearer(auto_error=False))])
    marks = _Marks(feedback, chain, identity)

    @router.post(
        "/feedback",
        status_code=204,
        responses={**errors(400, 401, 403, 413), **_RESPONSES},
        openapi_extra=body_of(FeedbackBody),
    )
    async def mark(request: Request) -> Response:
        """Mark an answer of the key's user; marking again replaces the earlier mark."""
        principal = await run_in_threadpool(identity.require_key, request)
        return await marks.mark(request, principal)

    return router


class _Marks:
    """What both routes do once they know who marks."""

    def __init__(self, feedback: Feedback, chain: Chain, identity: Identity) -> None:
        self._feedback = feedback
        self._chain = chain
        self._identity = identity

    async def mark(self, request: Request, principal: Principal) -> Response:
        marking = _marking(await request.body())
        await run_in_threadpool(self._keep, request, principal, marking)
        return Response(status_code=204)

    def _keep(self, request: Request, principal: Principal, marking: Marking) -> None:
        entitled = {agent.name for agent in self._chain.agents_for(principal)}
        try:
            self._feedback.mark(principal, marking, entitled, self._identity.record)
        except NotYours:
            detail = {"decision": marking.decision, "why": "no decision about an answer of this user"}
            self._identity.refusals.note(principal, "feedback-refused", detail, address_of(request))
            raise HTTPException(404, _UNKNOWN) from None
        except InputError as error:
            raise HTTPException(400, error.message) from None
        except (AccessDenied, IntegrityError):
            LOG.exception("a mark could not be kept")
            raise HTTPException(503, "This cannot be kept at the moment. Please try again later.") from None


def _marking(body: bytes) -> Marking:
    try:
        read = FeedbackBody.model_validate(read_json(body))
    except BadJson as error:
        raise HTTPException(400, f"The body {error}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]["loc"]
        field = str(first[0]) if first else ""
        raise HTTPException(400, _SENTENCES.get(field, f"{field or 'The body'} is not expected here.")) from None
    return Marking(int(read.decision), read.verdict, read.agent, read.note)
