"""A teacher that knows nothing: an OpenAI-compatible server with the latency and the faults of a real one.

    python benchmarks/support/stub_teacher.py --port 0

prints its port as JSON and serves ``/v1/chat/completions``, ``/v1/models`` and ``/stats`` until it is ended. Each
request draws its fate: told to wait (HTTP 429, at once), or answered after a log-normal time, or dropped without an
answer after such a time. An answer holds ten pairs in the form the prompt asks for and depends on the prompt alone.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from random import Random
from typing import Any

from aiohttp import web

PAIRS = 10
"""Question-answer pairs of an answer."""
_FACTS = 5
_LARGEST_BODY = 2**24


@dataclass(frozen=True)
class Behaviour:
    """How the server treats its clients; shares are of all requests."""

    median_s: float = 2.0
    """Median of the time until an answer."""
    sigma: float = 0.4
    """Standard deviation of that time's logarithm."""
    limited: float = 0.02
    """Share told to wait."""
    retry_after_s: int = 1
    """What they are told."""
    dropped: float = 0.01
    """Share whose connection is closed, when the answer would have come."""
    prose: float = 0.0
    """Share answered with prose instead of JSON."""
    half: float = 0.0
    """Share answered with the first half of the JSON."""
    seed: int = 1
    """Of the fates and times, which are drawn in the order in which requests come."""

    @property
    def mean_s(self) -> float:
        """Mean of the time until an answer: that of a log-normal distribution."""
        return self.median_s * math.exp(self.sigma**2 / 2)

    def ideal_per_second(self, parallel: int) -> float:
        """Answers per second of a client that always has ``parallel`` requests in flight.

        HTTP 429 comes at once and takes no time from such a client: it sends something else meanwhile. A dropped
        request takes as long as an answered one and gives nothing.
        """
        answered = 1 - self.limited - self.dropped
        seconds = (1 - self.limited) * self.mean_s
        return parallel * answered / seconds

    def arguments(self) -> list[str]:
        """The command-line options that give this behaviour."""
        return [word for name, value in asdict(self).items() for word in (f"--{name.replace('_', '-')}", str(value))]


@dataclass
class Counts:
    """What the server saw."""

    requests: int = 0
    answered: int = 0
    limited: int = 0
    dropped: int = 0
    in_flight: int = 0
    peak_in_flight: int = 0
    first_request_s: float | None = None
    last_answer_s: float | None = None
    prompts: Counter[bytes] = field(default_factory=Counter)
    """How often each prompt was answered, by its hash."""

    def figures(self) -> dict[str, Any]:
        """As JSON; processor seconds are the server's own, the rate is from the first request to the last answer."""
        twice = sum(times > 1 for times in self.prompts.values())
        first, last = self.first_request_s, self.last_answer_s
        return {
            "requests": self.requests,
            "answered": self.answered,
            "limited": self.limited,
            "dropped": self.dropped,
            "peak_in_flight": self.peak_in_flight,
            "prompts_answered": len(self.prompts),
            "prompts_answered_more_than_once": twice,
            "first_to_last_s": round(last - first, 3) if first is not None and last is not None else None,
            "server_cpu_s": round(time.process_time(), 2),
        }


class StubTeacher:
    """The server's pages."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._chance = Random(behaviour.seed)
        self._counts = Counts()

    def app(self) -> web.Application:
        """What aiohttp serves."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_post("/v1/chat/completions", self.complete)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/stats", self.stats)
        return app

    async def complete(self, request: web.Request) -> web.Response:
        """Answer, refuse or drop one request."""
        body, counts = json.loads(await request.read()), self._counts
        counts.requests += 1
        counts.first_request_s = counts.first_request_s or time.monotonic()
        fate, kind = self._chance.random(), self._chance.random()
        if fate < self._behaviour.limited:
            counts.limited += 1
            return self._wait()
        await self._think()
        if fate < self._behaviour.limited + self._behaviour.dropped:
            counts.dropped += 1
            if request.transport is not None:
                request.transport.abort()
            return web.Response()
        digest = hashlib.blake2b(json.dumps(body["messages"]).encode(), digest_size=16).digest()
        counts.answered += 1
        counts.prompts[digest] += 1
        counts.last_answer_s = time.monotonic()
        return web.Response(body=self._completion(body, digest, kind), content_type="application/json")

    async def models(self, request: web.Request) -> web.Response:
        """The one model."""
        return web.json_response({"object": "list", "data": [{"id": "stub", "object": "model", "owned_by": "stub"}]})

    async def stats(self, request: web.Request) -> web.Response:
        """What was seen so far."""
        return web.json_response(self._counts.figures())

    async def _think(self) -> None:
        counts = self._counts
        counts.in_flight += 1
        counts.peak_in_flight = max(counts.peak_in_flight, counts.in_flight)
        try:
            await asyncio.sleep(self._chance.lognormvariate(math.log(self._behaviour.median_s), self._behaviour.sigma))
        finally:
            counts.in_flight -= 1

    def _wait(self) -> web.Response:
        error = {"error": {"message": "Rate limit reached", "type": "requests", "code": "rate_limit_exceeded"}}
        return web.json_response(error, status=429, headers={"Retry-After": str(self._behaviour.retry_after_s)})

    def _completion(self, body: dict[str, Any], digest: bytes, kind: float) -> bytes:
        text, finish = answer_text(body, digest.hex()[:8]), "stop"
        if kind < self._behaviour.prose:
            text = "Here is what the text says: everything of importance is told in its first paragraph."
        elif kind < self._behaviour.prose + self._behaviour.half:
            text, finish = text[: len(text) // 2], "length"
        read, written = sum(len(str(one["content"])) for one in body["messages"]) // 4, len(text) // 4
        return json.dumps(
            {
                "id": f"stub-{digest.hex()}",
                "object": "chat.completion",
                "created": 0,
                "model": body.get("model", "stub"),
                "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
                "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
            }
        ).encode()


def answer_text(body: dict[str, Any], mark: str) -> str:
    """Ten pairs in the form that is asked for, every one with a mark of the prompt.

    Facts with questions where a schema or the prompt names ``facts``, an object of ``pairs`` in a fence where it names
    those, a sentence where a summary is asked for, and a list of questions and answers otherwise.
    """
    asked = json.dumps(body.get("response_format") or "") + " ".join(str(one["content"]) for one in body["messages"])
    if '"facts"' in asked:
        return json.dumps({"facts": [_fact(mark, number) for number in range(_FACTS)]})
    if '"pairs"' in asked:
        return f"```json\n{json.dumps({'pairs': _pairs(mark)})}\n```"
    if asked.lstrip('" ').startswith("Summarize this document"):
        return f"The document {mark} tells of depots, who keeps them and when they are open."
    return json.dumps(_pairs(mark))


def _pairs(mark: str) -> list[dict[str, str]]:
    return [
        {
            "question": f"What does the clause {number} of the section {mark} set for the depot?",
            "answer": f"The clause {number} of the section {mark} sets a limit of {number + 3} crates for the depot.",
        }
        for number in range(PAIRS)
    ]


def _fact(mark: str, number: int) -> dict[str, Any]:
    subject = f"the clause {number} of the section {mark}"
    questions = [f"What limit does {subject} set for the depot?", f"How many crates does {subject} allow the depot?"]
    return {"value": f"{number + 3} crates", "questions": questions}


async def serve(behaviour: Behaviour, port: int) -> None:
    """Serve on this machine until cancelled."""
    runner = web.AppRunner(StubTeacher(behaviour).app(), access_log=None, handle_signals=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
        print(json.dumps({"port": runner.addresses[0][1], "behaviour": asdict(behaviour)}), flush=True)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def run(serving: Coroutine[Any, Any, None]) -> None:
    """Run with the faster event loop, where it is installed."""
    try:
        from uvloop import run as run_loop  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        run_loop = asyncio.run
    with suppress(KeyboardInterrupt, web.GracefulExit):
        run_loop(serving)


def main() -> None:
    """Serve as told on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    defaults = Behaviour()
    for one in fields(Behaviour):
        default = getattr(defaults, one.name)
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=type(default), default=default)
    options = vars(parser.parse_args())
    port = options.pop("port")
    run(serve(Behaviour(**options), port))


if __name__ == "__main__":
    main()
