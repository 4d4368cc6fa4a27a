"""Stand-in servers in this process, behind a transport of httpx; they wait in the loop's time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from random import Random
from typing import Any

import httpx

from allotment.models._engine import Message
from allotment.models.client import Answer, Ask, ClientLimits, Failure, ModelClient, open_client
from allotment.project import ModelLimits

MODEL = "http://stand-in/v1#teacher"

Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]


def completion(text: str | None = "yes", *, finish: str = "stop", prompt: int = 10, written: int = 5) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"choices": [choice], "usage": {"prompt_tokens": prompt, "completion_tokens": written}}


def answered(text: str | None = "yes", **options: Any) -> httpx.Response:
    return httpx.Response(200, json=completion(text, **options))


def refused(status: int, message: str = "no", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"error": {"message": message}}, headers=named)


def ask(key: object = "a", text: str = "hi", **options: Any) -> Ask:
    return Ask(str(key), [Message("user", text)], **options)


def asks(count: int, **options: Any) -> Iterator[Ask]:
    return (ask(number, **options) for number in range(count))


def client(
    handler: Handler,
    limits: ModelLimits | None = None,
    patience: ClientLimits | None = None,
    clock: Callable[[], float] = lambda: 0.0,
) -> ModelClient:
    return open_client(
        MODEL, limits=limits, patience=patience, transport=httpx.MockTransport(handler), clock=clock, chance=Random(7)
    )


async def outcome(handler: Handler, asked: Ask | None = None, **options: Any) -> Answer | Failure:
    async with client(handler, **options) as opened:
        return await opened.complete(asked or ask())


async def collect(run: AsyncIterator[tuple[Ask, Answer | Failure]]) -> dict[str, Answer | Failure]:
    return {asked.key: found async for asked, found in run}


class Script:
    """Answers the requests one after the other, the last answer again and again; remembers what came and when."""

    def __init__(self, *answers: httpx.Response | Exception, latency_s: float = 1.0) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.at_s: list[float] = []
        self._answers = answers
        self._latency_s = latency_s

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        number = len(self.bodies)
        self.bodies.append(json.loads(request.content))
        self.at_s.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self._latency_s)
        answer = self._answers[min(number, len(self._answers) - 1)]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
