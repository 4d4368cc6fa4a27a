"""A load generator in a process of its own: so many requests in flight, each sent when the one before is answered.

Reads a JSON object on stdin (``Load``) and writes one on stdout: latencies, rate, failures and the share of a core it
took itself, which says how far its figures can be trusted.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from support.gateway_stub import fact_answer

_WORDS = re.compile(rb'"content": ?"[^"]')
NUMBERS = 200
"""Questions are about so many lockers."""


@dataclass
class Load:
    """What is sent where."""

    ports: list[int]
    """Connections are shared out among these."""
    key: str
    model: str
    in_flight: int
    seconds: float
    stream: bool = False
    warm_up_s: float = 1.0
    """Answers that began before this are not counted."""


@dataclass
class Tally:
    """What came back."""

    latencies_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    """Seconds to the first words of a streamed answer."""
    failed: int = 0
    wrong: int = 0
    """Answers without the code that was asked for."""
    last_failure: str = ""


class _Client(asyncio.Protocol):
    """One connection that asks one question after another until the end."""

    def __init__(self, load: Load, tally: Tally, number: int, begin: float, end: float, done: asyncio.Future[None]):
        self._load, self._tally, self._number = load, tally, number
        self._begin, self._end, self._done = begin, end, done

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._ask()

    def _ask(self) -> None:
        self._number = (self._number + 7) % NUMBERS
        question = f"What is the code of locker {self._number}?"
        self._expected = fact_answer(question).split()[-1].rstrip(".").encode()
        body = json.dumps(
            {
                "model": self._load.model,
                "messages": [{"role": "user", "content": question}],
                "stream": self._load.stream,
            }
        ).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {self._load.key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._got, self._first, self._sent = b"", 0.0, time.perf_counter()
        self._transport.write(head.encode() + body)

    def data_received(self, data: bytes) -> None:
        self._got += data
        if not self._first and _WORDS.search(self._got):
            self._first = time.perf_counter()
        if self._is_whole():
            self._count()

    def _is_whole(self) -> bool:
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = self._got[:end].lower()
        place = head.find(b"content-length:")
        if place < 0:
            return self._got.endswith(b"0\r\n\r\n")
        return len(self._got) >= end + 4 + int(head[place + 15 :].split(b"\r\n", 1)[0])

    def _count(self) -> None:
        now = time.perf_counter()
        if self._sent >= self._begin and now <= self._end:
            if not self._got.startswith(b"HTTP/1.1 200"):
                self._tally.failed += 1
                self._tally.last_failure = self._got[:600].decode(errors="replace")
            else:
                self._tally.latencies_s.append(now - self._sent)
                self._tally.first_s.append(self._first - self._sent)
                self._tally.wrong += self._expected not in self._got.replace(b'"},', b"") and not self._load.stream
        if now >= self._end:
            self._transport.close()
        else:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if time.perf_counter() < self._end:
            self._tally.failed += 1
            self._tally.last_failure = f"the connection was lost ({exc})"
        if not self._done.done():
            self._done.set_result(None)


async def run(load: Load) -> Tally:
    """Drive it for ``warm_up_s`` and ``seconds``."""
    loop, tally = asyncio.get_running_loop(), Tally()
    begin = time.perf_counter() + load.warm_up_s
    end, waiting = begin + load.seconds, []
    for place in range(load.in_flight):
        done = loop.create_future()
        waiting.append(done)
        port = load.ports[place % len(load.ports)]
        made = lambda place=place, done=done: _Client(load, tally, place * 13, begin, end, done)  # noqa: E731
        await loop.create_connection(made, "127.0.0.1", port)
    await asyncio.wait(waiting, timeout=load.warm_up_s + load.seconds + 60)
    return tally


def main() -> None:
    """Drive what stdin says, and tell what came back."""
    load = Load(**json.load(sys.stdin))
    began, processor = time.perf_counter(), time.process_time()
    tally = asyncio.run(run(load))
    share = (time.process_time() - processor) / (time.perf_counter() - began)
    json.dump({**asdict(tally), "generator_share_of_a_core": round(share, 3)}, sys.stdout)


if __name__ == "__main__":
    main()
