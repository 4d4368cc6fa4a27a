"""Is the process up, and can it answer: for balancers and watchdogs, without a login."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from allotment.gateway.web._security import LOG


def health_routes(ready: Callable[[], list[str]]) -> APIRouter:
    """``/healthz`` and ``/readyz``; ``ready`` returns what stands in the way of answering."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    def readyz() -> JSONResponse:
        problems = ready()
        for each in problems:
            LOG.warning("not ready: %s", each)
        # Nobody is logged in here, so the problems themselves, which name inner parts, stay in the log.
        body = {"status": "not ready" if problems else "ready", "problems": len(problems)}
        return JSONResponse(body, 503 if problems else 200)

    return router
