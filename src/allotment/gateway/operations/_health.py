"""Is the process up, and can it answer: for balancers and watchdogs, without a login."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from allotment.gateway.operations._running import Running
from allotment.gateway.web._security import LOG

LOOK_EVERY_S = 1.0
"""Anybody may ask whether it is ready; looking takes work, so it is done no more often than this."""
SHUTTING_DOWN = "it is being stopped"


class Readiness:
    """What stands in the way of answering, looked for anew after ``LOOK_EVERY_S``. Thread-safe."""

    def __init__(self, look: Callable[[], list[str]], running: Running) -> None:
        """``look`` may take a while; what it raises is a problem, too."""
        self._look = look
        self._running = running
        self._lock = Lock()
        self._found: list[str] = []
        self._at = float("-inf")

    def problems(self) -> list[str]:
        """What was found; whatever is new or gone is told in the log by name."""
        with self._lock:
            if time.monotonic() - self._at >= LOOK_EVERY_S:
                found = self._looked()
                for problem in found:
                    if problem not in self._found:
                        LOG.warning("not ready: %s", problem)
                for problem in self._found:
                    if problem not in found:
                        LOG.warning("mended: %s", problem)
                self._found, self._at = found, time.monotonic()
            return [*self._found, *([SHUTTING_DOWN] if self._running.stopping else [])]

    def _looked(self) -> list[str]:
        try:
            return list(self._look())
        except Exception as error:
            LOG.exception("it could not be seen whether it is ready")
            return [f"it could not be seen whether it is ready ({type(error).__name__})"]


def health_routes(ready: Callable[[], list[str]], running: Running) -> APIRouter:
    """``/healthz`` and ``/readyz``; ``ready`` returns what stands in the way of answering."""
    router = APIRouter()
    readiness = Readiness(ready, running)

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    def readyz() -> JSONResponse:
        problems = readiness.problems()
        # Nobody is logged in here, so the problems themselves, which name inner parts, stay in the log.
        body = {"status": "not ready" if problems else "ready", "problems": len(problems)}
        return JSONResponse(body, 503 if problems else 200)

    return router
