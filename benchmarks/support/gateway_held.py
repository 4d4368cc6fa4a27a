"""Memory of a gateway while very many streams are open and their readers wait."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from support.gateway_servers import Server


async def _open(port: int, key: str, number: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    # "hold" makes the stub take twenty seconds.
    question = f"What is the code of locker {number % 200}? Please hold."
    body = json.dumps({"model": "auto", "stream": True, "messages": [{"role": "user", "content": question}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
    writer.write(head.encode() + f"content-length: {len(body)}\r\n\r\n".encode() + body)
    await writer.drain()
    return reader, writer


async def _held(server: Server, key: str, count: int) -> dict[str, Any]:
    before = server.rss_mib()
    opened = await asyncio.gather(*(_open(server.port, key, number) for number in range(count)))
    begun = await asyncio.gather(*(reader.readline() for reader, _ in opened))
    during = server.rss_mib()
    began = time.monotonic()
    ends = await asyncio.gather(*(asyncio.wait_for(_last_of(reader), 180) for reader, _ in opened))
    for _, writer in opened:
        writer.close()
    return {
        "streams": count,
        "begun": sum(line.startswith(b"HTTP/1.1 200") for line in begun),
        "ended_whole": sum(ends),
        "rss_mib_before": before,
        "rss_mib_with_all_open": during,
        "kib_a_stream": round((during - before) * 1024 / count, 1),
        "seconds_until_all_had_ended": round(time.monotonic() - began, 1),
    }


async def _last_of(reader: asyncio.StreamReader) -> bool:
    """Whether a stream ends as OpenAI's clients expect."""
    while line := await reader.readline():
        if line.strip() == b"data: [DONE]":
            return True
    return False


def memory_of_open_streams(server: Server, key: str, count: int) -> dict[str, Any]:
    """Open ``count`` streams at once, look at the memory when all have begun, and read them to the end."""
    return asyncio.run(_held(server, key, count))
