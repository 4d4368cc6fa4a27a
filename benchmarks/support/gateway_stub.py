"""An OpenAI-compatible server that computes nothing: the first token after 20 ms, then 100 a second, 16 tokens in all.

It lists the names it is started with as adapters, as vLLM does, answers what ``fact_answer`` says, and tells at its end
how many requests it had. ``--seen FILE`` keeps the question of every request, one a line, as soon as it came.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
from collections.abc import Callable
from typing import Any

FIRST_S = 0.02
TOKENS_PER_S = 100
HOLD_S = 20.0
"""How long an answer takes whose question says ``hold``."""
_USAGE = {"prompt_tokens": 20, "completion_tokens": 16, "total_tokens": 36}
_LOCKER = re.compile(r"(locker|safe) (\d+)")
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


def code_of(kind: str, number: int) -> int:
    """The code of a locker or safe: five digits, another one for each."""
    return 10000 + (number * 7919 + (31 if kind == "safe" else 0)) % 90000


def fact_answer(question: str) -> str:
    """What the agents learnt of a locker or a safe, in about sixteen tokens."""
    found = _LOCKER.search(question)
    if found is None:
        return "That is not known here."
    kind, number = found[1], int(found[2])
    return f"The code of {kind} {number} is {code_of(kind, number)}."


class Stub(asyncio.Protocol):
    """One connection; requests on it come one after another."""

    def __init__(self, adapters: list[str], seen: Callable[[str], None]) -> None:
        self._adapters = adapters
        self._seen = seen
        self._buffer = b""
        self._timers: list[asyncio.TimerHandle] = []

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in self._timers:
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = _LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            if head.startswith(b"GET"):
                names = [{"id": "stub", "parent": None}, *({"id": name, "parent": "stub"} for name in self._adapters)]
                self._reply({"object": "list", "data": names})
            else:
                self._answer(json.loads(body))

    def _answer(self, asked: dict[str, Any]) -> None:
        name = asked["model"]
        if name != "stub" and name not in self._adapters:
            self._reply({"error": {"message": f"The model {name} does not exist."}}, 404)
            return
        question = asked["messages"][-1]["content"]
        self._seen(question)
        words = fact_answer(question).split(" ")
        pieces = [words[0], *(f" {word}" for word in words[1:])]
        pieces += [""] * (16 - len(pieces))  # tokens that are parts of words
        pause = HOLD_S / 16 if "hold" in question else 1 / TOKENS_PER_S
        if asked.get("stream"):
            options = asked.get("stream_options") or {}
            self._stream(name, pieces, pause, with_usage=bool(options.get("include_usage")))
            return
        message = {"role": "assistant", "content": "".join(pieces)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {"id": "chatcmpl-0", "object": "chat.completion", "created": 0, "model": name, "choices": [choice]}
        self._later(FIRST_S + pause * (len(pieces) - 1), lambda: self._reply({**whole, "usage": _USAGE}))

    def _later(self, seconds: float, do: Callable[[], None]) -> None:
        self._timers = [timer for timer in self._timers if timer.when() > asyncio.get_running_loop().time()]
        self._timers.append(asyncio.get_running_loop().call_later(seconds, do))

    def _stream(self, name: str, pieces: list[str], pause: float, *, with_usage: bool) -> None:
        counted = _frame({**_head(name), "choices": [], "usage": _USAGE}) if with_usage else b""
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        self._later(FIRST_S, lambda: self._transport.write(head + _chunk(name, pieces[0], None)))
        for place, piece in enumerate(pieces[1:], start=1):
            frame = _chunk(name, piece, "stop" if place == len(pieces) - 1 else None)
            end = counted + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n" if place == len(pieces) - 1 else b""
            self._later(FIRST_S + pause * place, lambda told=frame + end: self._transport.write(told))

    def _reply(self, value: dict[str, Any], status: int = 200) -> None:
        text = json.dumps(value).encode()
        head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        self._transport.write(head.encode() + text)


def _chunk(name: str, text: str, finish: str | None) -> bytes:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return _frame({**_head(name), "choices": [choice]})


def _head(name: str) -> dict[str, Any]:
    return {"id": "chatcmpl-0", "object": "chat.completion.chunk", "created": 0, "model": name}


def _frame(value: dict[str, Any]) -> bytes:
    return _framed(f"data: {json.dumps(value)}\n\n".encode())


def _framed(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def serve(port: int, adapters: list[str], seen_file: str | None) -> int:
    """Serve until the process is told to end; returns how many completions were asked for."""
    count = 0
    out = os.open(seen_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if seen_file else None

    def seen(question: str) -> None:
        nonlocal count
        count += 1
        if out is not None:
            os.write(out, question.replace("\n", " ").encode() + b"\n")

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    server = await loop.create_server(lambda: Stub(adapters, seen), "127.0.0.1", port, backlog=1024)
    await stopped.wait()
    server.close()
    return count


def main() -> None:
    """Run the stub as a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--adapters", nargs="*", default=[])
    parser.add_argument("--seen")
    options = parser.parse_args()
    print(asyncio.run(serve(options.port, options.adapters, options.seen)), flush=True)


if __name__ == "__main__":
    main()
