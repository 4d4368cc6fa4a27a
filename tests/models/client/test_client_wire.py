"""The network itself: connections of this machine to a server in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx
import pytest
from provider import ask, asks, collect

from allotment.models.client import Answer, ClientLimits, Failure, open_client
from allotment.models.client._aiohttp_wire import AiohttpWire
from allotment.models.client._wire import HttpxWire, Reply, TooLarge, Wire
from allotment.project import ModelLimits

T = TypeVar("T")
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

BODY = b'{"choices": [{"message": {"content": "yes"}, "finish_reason": "stop"}]}'


def page(status: str, body: bytes, *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.lower().splitlines() if line.startswith(b"content-length"))
    return head + await reader.readexactly(length)


def over_network(serve: Serve, work: Callable[[str], Awaitable[T]]) -> T:
    """Do some work with the URL of a server that serves each connection so."""

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.close()

    async def run() -> T:
        async with await asyncio.start_server(closing, "127.0.0.1", 0) as server:
            return await work(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")

    return asyncio.run(run())


def always(answer: bytes, seen: list[bytes] | None = None) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            request = await read_request(reader)
            if seen is not None:
                seen.append(request)
            writer.write(answer)
            await writer.drain()

    return serve


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(page("200 OK", b"x" * 1000)[:300])
    await writer.drain()


async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
    while True:
        writer.write(b" " * 65_536)
        await writer.drain()


def wires(url: str) -> list[Wire]:
    headers = {"authorization": "Bearer key"}
    return [AiohttpWire(url, headers, 4), HttpxWire(url, headers, httpx.AsyncHTTPTransport())]


async def post_by_each(url: str, most_bytes: int = 10_000) -> list[Reply | Exception]:
    found: list[Reply | Exception] = []
    for wire in wires(url):
        try:
            found.append(await wire.post("/chat/completions", b'{"a": 1}', most_bytes))
        except (ConnectionError, TooLarge) as error:
            found.append(error)
        await wire.aclose()
    return found


def test_a_request_and_its_answer_go_over() -> None:
    seen: list[bytes] = []
    answer = page("429 Too Many Requests", b"slow", "Retry-After: 7")
    for reply in over_network(always(answer, seen), post_by_each):
        assert isinstance(reply, Reply)
        assert (reply.status, reply.body, reply.headers["retry-after"]) == (429, b"slow", "7")
    for request in seen:
        assert request.startswith(b"POST /v1/chat/completions ")
        assert request.endswith(b'\r\n\r\n{"a": 1}')
        assert b"authorization: bearer key" in request.lower()
        assert b"content-type: application/json" in request.lower()
    assert len(seen) == 2


def test_redirects_are_not_followed() -> None:
    replies = over_network(always(page("307 Temporary Redirect", b"", "Location: /elsewhere")), post_by_each)
    assert [reply.status for reply in replies if isinstance(reply, Reply)] == [307, 307]


def test_half_an_answer_is_a_fault_of_the_connection() -> None:
    assert [type(found) for found in over_network(hang_up, post_by_each)] == [ConnectionError, ConnectionError]


def test_no_server_is_a_fault_of_the_connection() -> None:
    found = asyncio.run(post_by_each("http://127.0.0.1:1/v1"))
    assert [type(one) for one in found] == [ConnectionError, ConnectionError]


def test_an_answer_without_end_is_abandoned() -> None:
    assert [type(found) for found in over_network(flood, post_by_each)] == [TooLarge, TooLarge]


def test_a_run_over_the_network_is_answered_on_few_connections() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await always(page("200 OK", BODY))(reader, writer)

    async def work(url: str) -> None:
        async with open_client(f"{url}#m", limits=ModelLimits(parallel=6)) as opened:
            found = await collect(opened.run(asks(200)))
            assert all(isinstance(one, Answer) and one.text == "yes" for one in found.values())
            assert len(found) == 200

    over_network(serve, work)
    assert connections <= 6


def test_a_server_that_is_not_there_is_a_failure() -> None:
    async def work() -> Answer | Failure:
        async with open_client("http://127.0.0.1:1/v1#m", patience=ClientLimits(retries=0)) as opened:
            return await opened.complete(ask())

    found = asyncio.run(work())
    assert isinstance(found, Failure)
    assert found.reason == "connection"


def test_a_request_that_takes_too_long_is_a_timeout_and_its_connection_is_closed() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        assert await reader.read() == b""

    async def work(url: str) -> Answer | Failure:
        limits, patience = ModelLimits(timeout_s=0.05), ClientLimits(retries=0)
        async with open_client(f"{url}#m", limits=limits, patience=patience) as opened:
            return await opened.complete(ask())

    found = over_network(silent, work)
    assert isinstance(found, Failure)
    assert found.reason == "timeout"


@pytest.mark.parametrize("bypass", ["", "127.0.0.1"])
def test_the_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, bypass: str) -> None:
    seen: list[bytes] = []

    async def work(url: str) -> Answer | Failure:
        monkeypatch.setenv("http_proxy", url.removesuffix("/v1"))
        monkeypatch.setenv("no_proxy", bypass)
        target = url if bypass else "http://model.invalid/v1"
        async with open_client(f"{target}#m", patience=ClientLimits(retries=0)) as opened:
            return await opened.complete(ask())

    assert isinstance(over_network(always(page("200 OK", BODY), seen), work), Answer)
    assert seen[0].startswith(b"POST /v1/" if bypass else b"POST http://model.invalid/v1/")
