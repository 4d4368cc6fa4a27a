"""``create_app``: the gateway as one ASGI application."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from starlette.types import Scope

from allotment.access import Policy
from allotment.gateway._chain import Chain
from allotment.gateway._recorder import Recorder
from allotment.gateway.administration import Administration, AdminParts
from allotment.gateway.api._routes import api_routes
from allotment.gateway.feedback import Feedback, feedback_api_routes, feedback_routes
from allotment.gateway.history import History, history_routes
from allotment.gateway.identity._identity import Identity
from allotment.gateway.identity._users import UserStore
from allotment.gateway.limits._chain import LimitedChain
from allotment.gateway.limits._limiter import Limiter
from allotment.gateway.operations._exchange import LIMITED, Exchange
from allotment.gateway.operations._health import health_routes
from allotment.gateway.operations._metrics import Metrics
from allotment.gateway.operations._observed import ObservedChain
from allotment.gateway.operations._running import HEALTH, Running, RunningMiddleware
from allotment.gateway.operations._tracing import NoTracing, Tracing
from allotment.gateway.pages._account import account_routes
from allotment.gateway.pages._document import document_routes
from allotment.gateway.pages._login import login_routes
from allotment.gateway.pages._navigation import Place
from allotment.gateway.pages._preferences import preference_routes
from allotment.gateway.pages._render import Pages
from allotment.gateway.pages._routes import page_routes
from allotment.gateway.pages._static import static_routes
from allotment.gateway.pages.admin._routes import admin_places, admin_routes
from allotment.gateway.web._problems import add_error_handlers
from allotment.gateway.web._security import SecurityMiddleware
from allotment.gateway.web._threads import AnswerThreads
from allotment.project import AnswerLimits, TimeoutsConfig

MAX_BODY_BYTES = 1_000_000
SPARE_THREADS = 16
"""Beside those that answer or wait: for requests that are being counted."""
DRAIN_S = 10.0
"""Seconds the threads of ended answers have to come to their end."""
LOG = logging.getLogger("allotment.gateway")


@dataclass(frozen=True)
class Operations:
    """What those who run the gateway see and bound; one for all applications of a process."""

    running: Running = field(default_factory=Running)
    metrics: Metrics = field(default_factory=Metrics)
    tracing: Tracing = field(default_factory=NoTracing)

    def finished(self, scope: Scope, status: int, exchange: Exchange, seconds: float) -> None:
        """One line and the figures of a finished request; addresses can hold secrets, so its route is told."""
        route = getattr(scope.get("route"), "path", "unmatched")
        self.metrics.request(route, status, seconds)
        if exchange.outcome == LIMITED:
            self.metrics.limited()
        told = {
            "method": scope["method"],
            "route": route,
            "status": status,
            "seconds": round(seconds, 4),
            "agent": exchange.agent,
            "outcome": exchange.outcome,
            "decision": exchange.decision,
            "ended": exchange.reason,
        }
        level = logging.DEBUG if route in HEALTH else logging.INFO
        LOG.log(level, "request", extra={"fields": {key: value for key, value in told.items() if value is not None}})


def create_app(
    chain: Chain,
    users: UserStore,
    *,
    title: str,
    ready: Callable[[], list[str]],
    policy: Policy,
    record: Recorder,
    limiter: Limiter,
    operations: Operations | None = None,
    timeouts: TimeoutsConfig | None = None,
    allowed_hosts: Sequence[str] = (),
    tls: bool = False,
    max_body_bytes: int = MAX_BODY_BYTES,
    answers: AnswerLimits | None = None,
    history: History | None = None,
    places: Sequence[Place] = (),
    administration: AdminParts | None = None,
    feedback: Feedback | None = None,
) -> FastAPI:
    """The pages, the API and the health checks over one chain.

    Args:
        chain: answers questions.
        users: knows users, sessions and keys; it stays the caller's to close.
        title: name of the company, shown on the pages.
        ready: returns what stands in the way of answering, empty when nothing does; may take a while.
        policy: knows the declared roles; a user with any other, or declared with another, has no access.
        record: writes logins to the audit record; a login that cannot be recorded is refused.
        limiter: counts every request for an answer, whichever route it came by.
        operations: figures, spans and running requests; its own if none.
        timeouts: how long anything may last; the defaults of ``allotment.yaml`` if none.
        allowed_hosts: host names requests may be for (``*.example.org`` works); empty allows all.
        tls: set it when TLS ends in front of the gateway; over TLS itself it is known.
        max_body_bytes: largest body of a request.
        answers: what a request may ask of an answer; none takes what a project without ``answers`` does.
        history: users' kept conversations; without it none are kept and ``/history`` is not there.
        places: what the navigation of the pages shows besides the chat and the account.
        administration: what the administration's pages look at; they are there where its project declares for whom.
        feedback: what users say of their answers; without it ``/feedback`` and ``/v1/feedback`` are not there.
    """
    own = operations or Operations()
    timeouts = timeouts or TimeoutsConfig()
    executor = AnswerThreads(limiter.places.places + limiter.places.queue + SPARE_THREADS)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        # What is ended goes on record before the database is let go.
        if not await run_in_threadpool(executor.drain, DRAIN_S):
            LOG.warning("an answer that was ended did not come to its end in %s s", DRAIN_S)
        executor.shutdown(wait=False, cancel_futures=True)
        if admin is not None:
            await run_in_threadpool(admin.close)

    # The interactive documentation of FastAPI loads scripts from another host; the API is documented in docs/.
    app = FastAPI(title=title, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    # One address for one thing: a slash too many is another address, and there is nothing.
    app.router.redirect_slashes = False
    identity = Identity(users, policy, tls=tls, record=record)
    admin: Administration | None = None
    if administration is not None and administration.project.administration:
        admin = Administration(administration, identity, limiter, own.running, ready)
        places = (*places, *admin_places(admin.door.policy))
    pages = Pages(title, places)
    # Nothing below has the chain itself: no route can answer without being counted.
    limited = LimitedChain(ObservedChain(chain, own.metrics, own.tracing), limiter)
    app.include_router(health_routes(ready, own.running))
    app.include_router(preference_routes())
    app.include_router(login_routes(identity, pages))
    app.include_router(account_routes(identity, pages, limited))
    app.include_router(document_routes(limited, identity, pages))
    app.include_router(
        page_routes(limited, identity, pages, executor, timeouts.answer_s, history, feedback=feedback is not None)
    )
    app.include_router(api_routes(limited, identity, executor, answers or AnswerLimits(), timeouts.answer_s))
    if history is not None:
        app.include_router(history_routes(history, identity))
    if feedback is not None:
        app.include_router(feedback_routes(feedback, limited, identity))
        app.include_router(feedback_api_routes(feedback, limited, identity))
    if admin is not None:
        app.include_router(admin_routes(admin, identity, pages))
    app.include_router(static_routes())
    add_error_handlers(app, pages.problem)
    app.add_middleware(RunningMiddleware, running=own.running, timeouts=timeouts, finished=own.finished)
    app.add_middleware(
        SecurityMiddleware,
        max_body_bytes=max_body_bytes,
        tls=tls,
        refused=identity.note_malformed,
        hosts=allowed_hosts,
    )
    app.state.note_unreadable = identity.note_unreadable
    return app
