"""One application put in another's place while requests run."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
from fastapi import FastAPI

from allotment.gateway import Gate, Limiter, Serving, Switch


class Told:
    """An application that says its name, when it is let, and remembers what became of it."""

    def __init__(self, name: str) -> None:
        self.let, self.reached, self.closed = asyncio.Event(), asyncio.Event(), threading.Event()
        self.events: list[str] = []

        @asynccontextmanager
        async def lifespan(app: FastAPI) -> AsyncIterator[None]:
            self.events.append("begun")
            yield
            self.events.append("ended")

        app = FastAPI(lifespan=lifespan)

        @app.get("/")
        async def say() -> str:
            self.reached.set()
            await self.let.wait()
            return name

        self.serving = Serving(app, Gate(), cast(Limiter, None), self.close)

    def close(self) -> None:
        self.events.append("closed")
        self.closed.set()


async def live(switch: Switch) -> tuple[asyncio.Task[None], asyncio.Queue[dict[str, Any]]]:
    """Begin the switch as a server does."""
    said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    said.put_nowait({"type": "lifespan.startup"})
    task = asyncio.create_task(switch({"type": "lifespan"}, said.get, cast(Any, heard.put)))
    assert (await heard.get())["type"] == "lifespan.startup.complete"
    return task, said


async def swapped() -> tuple[list[str], list[str], list[str]]:
    old, new = Told("old"), Told("new")
    switch = Switch(old.serving)
    task, said = await live(switch)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(switch), base_url="http://gateway") as client:
        running = asyncio.create_task(client.get("/"))
        await old.reached.wait()
        await asyncio.get_running_loop().run_in_executor(None, switch.replace, new.serving)
        assert old.events == ["begun"], "it is not closed while a request runs"
        new.let.set()
        names = [(await client.get("/")).json()]
        old.let.set()
        names.append((await running).json())
        await asyncio.get_running_loop().run_in_executor(None, old.closed.wait, 30)
    said.put_nowait({"type": "lifespan.shutdown"})
    await task
    return names, old.events, new.events


def test_new_requests_meet_the_new_application_and_the_old_one_is_closed_after_its_last_request() -> None:
    names, old, new = asyncio.run(swapped())
    assert names == ["new", "old"]
    assert old == ["begun", "ended", "closed"]
    assert new == ["begun", "ended", "closed"]
