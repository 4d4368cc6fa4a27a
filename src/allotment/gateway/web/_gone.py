"""Work for a client that is stopped at once when the client goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

from allotment.gateway.web._interrupt import Interrupt

Result = TypeVar("Result")


async def unless_gone(request: Request, work: Coroutine[Any, Any, Result]) -> Result | None:
    """What ``work`` gives; none if the client goes away first, and then the work is cancelled."""
    with Interrupt() as interrupt:
        gone = asyncio.create_task(_gone(request))
        gone.add_done_callback(lambda _: interrupt())
        try:
            return await work
        finally:
            gone.cancel()
    return None


async def _gone(request: Request) -> None:
    """Wait until the client went away; its whole body was read before."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
