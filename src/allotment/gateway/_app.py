"""``create_app``: the gateway as one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.staticfiles import StaticFiles

from allotment.access import Policy
from allotment.gateway._chain import Chain
from allotment.gateway.api._routes import api_routes
from allotment.gateway.history import History, history_routes
from allotment.gateway.identity._identity import Identity
from allotment.gateway.identity._users import UserStore
from allotment.gateway.operations._health import health_routes
from allotment.gateway.pages._render import STATIC_DIR, Pages
from allotment.gateway.pages._routes import Recorder, page_routes
from allotment.gateway.web._problems import add_error_handlers
from allotment.gateway.web._security import SecurityMiddleware

ANSWERS_AT_ONCE = 16
MAX_BODY_BYTES = 1_000_000


def create_app(
    chain: Chain,
    users: UserStore,
    *,
    title: str,
    ready: Callable[[], list[str]],
    policy: Policy,
    record: Recorder,
    allowed_hosts: Sequence[str] = (),
    tls: bool = False,
    max_body_bytes: int = MAX_BODY_BYTES,
    history: History | None = None,
) -> FastAPI:
    """The pages, the API and the health checks over one chain.

    Args:
        chain: answers questions.
        users: knows users, sessions and keys; it stays the caller's to close.
        title: name of the company, shown on the pages.
        ready: returns what stands in the way of answering, empty when nothing does; may take a while.
        policy: knows the declared roles; a user with any other, or declared with another, has no access.
        record: writes logins to the audit record; a login that cannot be recorded is refused.
        allowed_hosts: host names requests may be for (``*.example.org`` works); empty allows all.
        tls: set it when TLS ends in front of the gateway; over TLS itself it is known.
        max_body_bytes: largest body of a request.
        history: users' kept conversations; without it none are kept and ``/history`` is not there.
    """
    executor = ThreadPoolExecutor(ANSWERS_AT_ONCE, thread_name_prefix="answer")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        executor.shutdown(wait=False, cancel_futures=True)

    # The interactive documentation of FastAPI loads scripts from another host; the API is documented in docs/.
    app = FastAPI(title=title, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    identity = Identity(users, policy, tls=tls)
    app.include_router(health_routes(ready))
    app.include_router(page_routes(chain, identity, Pages(title), executor, record))
    app.include_router(api_routes(chain, identity, executor))
    if history is not None:
        app.include_router(history_routes(history, identity))
    app.mount("/static", StaticFiles(directory=STATIC_DIR))
    add_error_handlers(app)
    if allowed_hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(allowed_hosts), www_redirect=False)
    app.add_middleware(SecurityMiddleware, max_body_bytes=max_body_bytes, tls=tls)
    return app
