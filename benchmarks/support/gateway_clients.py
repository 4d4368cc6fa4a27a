"""Clients of a soak: a steady stream of questions, some that vanish, one that reads very slowly."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import aiohttp
from support.gateway_stub import code_of

_LIMIT_S = 60.0


class Clients:
    """Asks through the API, checks every answer, and remembers the number of each decision."""

    def __init__(self, port: int, keys: dict[str, str]) -> None:
        self._url = f"http://127.0.0.1:{port}/v1/chat/completions"
        self._port = port
        self._keys = keys
        self._numbers = itertools.count()
        self._outcomes: Counter[str] = Counter()
        self._decisions: list[tuple[int, str]] = []
        self._wrong: list[str] = []
        self._answered_at: list[float] = []
        """When each question was sent that was answered."""
        self._running: set[asyncio.Task[None]] = set()

    def _question(self) -> tuple[str, str, str | None]:
        """User, question, and the code he may be told: staff is told of lockers, keepers of safes as well."""
        number = next(self._numbers)
        user = "kim" if number % 5 == 0 else "ann"
        kind, count = ("safe", 40) if number % 5 in (0, 1) else ("locker", 200)
        about = number % count
        told = kind == "locker" or user == "kim"
        return user, f"What is the code of {kind} {about}?", str(code_of(kind, about)) if told else None

    async def ask_steadily(self, per_second: float, seconds: float) -> None:
        """Send questions at a rate that does not wait for answers."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_LIMIT_S)) as session:
            for place in itertools.count():
                at = began + place / per_second
                if at > began + seconds:
                    break
                await asyncio.sleep(max(0.0, at - loop.time()))
                task = asyncio.create_task(self._ask(session))
                self._running.add(task)
                task.add_done_callback(self._running.discard)
            await self.settle()

    async def settle(self) -> None:
        """Wait for what is still on its way."""
        while self._running:
            await asyncio.wait(self._running)

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        user, question, code = self._question()
        sent = time.monotonic()
        body = {"model": "auto", "messages": [{"role": "user", "content": question}]}
        try:
            headers = {"authorization": f"Bearer {self._keys[user]}"}
            async with session.post(self._url, json=body, headers=headers) as response:
                self._judge(response.status, await response.json(), question, code, sent)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            self._outcomes[type(error).__name__] += 1

    def _judge(self, status: int, told: dict[str, Any], question: str, code: str | None, sent: float) -> None:
        self._outcomes[f"status {status}"] += 1
        if status != 200:
            return
        text, decision = told["choices"][0]["message"]["content"], told["allotment"]["decision"]
        kind, about = question.removesuffix("?").split()[-2:]
        secret = str(code_of(kind, int(about)))
        if told["allotment"]["outcome"] == "answered":
            self._answered_at.append(sent)
            if code is None or code not in text:
                self._wrong.append(f"{question} {text}")
        elif secret in text:
            self._wrong.append(f"{question} {text}")
        self._outcomes[told["allotment"]["outcome"]] += 1
        self._decisions.append((decision, question))

    async def recovered_after(self, moment: float, limit_s: float = 90.0) -> float | None:
        """Seconds from ``moment`` to the sending of the first question after it that was answered."""
        while time.monotonic() < moment + limit_s:
            after = [sent for sent in self._answered_at if sent >= moment]
            if after:
                return round(min(after) - moment, 1)
            await asyncio.sleep(0.1)
        return None

    async def vanish(self, count: int) -> dict[str, int]:
        """Open so many streams at once and break the connections while they are answered."""
        opened = await asyncio.gather(*(self._stream() for _ in range(count)), return_exceptions=True)
        found = [one for one in opened if not isinstance(one, BaseException)]
        for _, writer in found:
            writer.transport.abort()
        return {"opened": len(found)}

    async def read_slowly(self, seconds: float) -> dict[str, int]:
        """One stream that is read a byte a second for a while, then given up."""
        reader, writer = await self._stream()
        read, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(TimeoutError):
                read += len(await asyncio.wait_for(reader.read(1), 1))
            await asyncio.sleep(1)
        writer.transport.abort()
        return {"bytes": read}

    async def _stream(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        user, question, _ = self._question()
        body = {"model": "auto", "stream": True, "messages": [{"role": "user", "content": question}]}
        text = json.dumps(body).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {self._keys[user]}\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, limit=1024)
        writer.write(head.encode() + f"content-length: {len(text)}\r\n\r\n".encode() + text)
        await writer.drain()
        return reader, writer

    def tally(self) -> dict[str, Any]:
        """What came of all questions."""
        return {
            "asked": next(self._numbers),
            "answered": self._outcomes["answered"],
            "outcomes": dict(sorted(self._outcomes.items())),
            "wrong": len(self._wrong),
            "first_wrong": self._wrong[:3],
            "decisions": self._decisions,
        }
