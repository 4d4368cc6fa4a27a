"""The way to one server of models: asked from any thread, while one event loop of the process keeps the connections.

A thread that waits for an answer wakes up once, when it is whole or no longer wanted.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import queue
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp

from allotment.cancellation import current
from allotment.models._network import environment_proxy, tls_context

CONNECT_S = 10.0
"""Seconds a server may take to take a connection."""
SILENCE_S = 300.0
"""Seconds it may send nothing."""
MOST_BYTES = 64 * 1024 * 1024
"""Longest answer; what is longer is none."""
_BLOCK = 64 * 1024
_Result = TypeVar("_Result")


class Line:
    """Requests to one server. Thread-safe.

    When ``allotment.cancellation`` says so, whoever waits is let go and the server is hung up on.
    """

    def __init__(self, url: str, headers: Mapping[str, str], *, use_proxy: bool = True) -> None:
        """``use_proxy`` goes by way of the proxy the environment names for ``url``, if it names one."""
        self._url = url
        self._headers = dict(headers)
        self._use_proxy = use_proxy
        self._session: aiohttp.ClientSession | None = None

    def get(self, path: str) -> Any:
        """What the JSON of an answer with status 200 says.

        Raises:
            ConnectionError: there is no such answer.
            Cancelled: nobody waits for it any longer.
        """
        return _parsed(self._whole("GET", path, None))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The same of what is sent as JSON."""
        return _parsed(self._whole("POST", path, body))

    def events(self, path: str, body: Mapping[str, Any]) -> Iterator[str]:
        """The data of server-sent events as they come. Leaving early hangs up. Errors as ``get``."""
        blocks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        running = _submit(self._pass("POST", path, body, blocks.put))
        running.add_done_callback(lambda _: blocks.put(None))
        wanted, rest = current(), b""
        try:
            with wanted.calling(running.cancel):
                while (block := blocks.get()) is not None:
                    *whole, rest = (rest + block).split(b"\n")
                    yield from (data for line in whole if (data := _event_data(line.decode("utf-8", "replace"))))
                _result(running)
        finally:
            running.cancel()

    def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            _submit(session.close()).result()

    def _whole(self, method: str, path: str, body: Mapping[str, Any] | None) -> bytes:
        blocks: list[bytes] = []
        running = _submit(self._pass(method, path, body, blocks.append))
        with current().calling(running.cancel):
            _result(running)
        return b"".join(blocks)

    async def _pass(
        self, method: str, path: str, body: Mapping[str, Any] | None, take: Callable[[bytes], object]
    ) -> None:
        """Hand over the body of the answer, block by block."""
        size = 0
        async with self._answer(method, path, body) as response:
            if response.status != 200:
                raise ConnectionError(f"status {response.status}")
            async for block in response.content.iter_any():
                size += len(block)
                if size > MOST_BYTES:
                    raise ConnectionError("the answer does not end")
                take(block)

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The beginning of an answer. A kept connection that the server closed meanwhile is replaced, once."""
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
        session = self._session = self._session or self._open()

        def ask() -> Awaitable[aiohttp.ClientResponse]:
            return session.request(method, self._url + path, data=data, allow_redirects=False)

        try:
            try:
                response = await ask()
            except aiohttp.ClientConnectorError:
                raise
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
                response = await ask()
            async with response:
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=tls_context()),
            headers={**self._headers, "content-type": "application/json"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S),
            proxy=environment_proxy(self._url) if self._use_proxy else None,
            cookie_jar=aiohttp.DummyCookieJar(),
            read_bufsize=_BLOCK,
        )


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise ConnectionError(f"no JSON ({error})") from error


def _event_data(line: str) -> str | None:
    """What one line of an event stream tells; none for a line that tells nothing."""
    name, _, data = line.partition(":")
    data = data.strip()
    return data if name == "data" and data and data != "[DONE]" else None


def _result(running: concurrent.futures.Future[None]) -> None:
    try:
        running.result()
    except concurrent.futures.CancelledError:
        current().require()
        raise ConnectionError("the request was ended") from None


def _submit(work: Coroutine[Any, Any, _Result]) -> concurrent.futures.Future[_Result]:
    return asyncio.run_coroutine_threadsafe(work, _LOOP.running())


class _Loop:
    """The event loop that all lines of the process share; its thread starts at the first request."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def running(self) -> asyncio.AbstractEventLoop:
        with self._guard:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="model-servers", daemon=True).start()
            return self._loop


_LOOP = _Loop()
