"""The seam where the network plugs in: one POST, its answer read up to a limit.

Two ways lead over it: aiohttp (``_aiohttp_wire``), which with hundreds of requests in flight takes a fifth of the
processor time of httpx, and any transport of httpx, which may stand in for the network.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import httpx

BLOCK = 64 * 1024
"""Bytes read at a time."""

JSON_HEADERS = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server sent back."""

    status: int
    headers: Mapping[str, str]
    """Without regard to case."""
    body: bytes


class TooLarge(Exception):
    """The answer was abandoned, for it is larger than the limit."""


class Wire(Protocol):
    """A way to a server. No timeouts: whoever waits sets them."""

    async def post(self, path: str, body: bytes, most_bytes: int) -> Reply:
        """Send JSON.

        Raises:
            ConnectionError: there was no answer, or only a part of one.
            TooLarge: it has more than ``most_bytes``.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class HttpxWire:
    """A transport of httpx. Implements ``Wire``."""

    def __init__(self, url: str, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport) -> None:
        self._client = httpx.AsyncClient(
            base_url=url, headers={**headers, **JSON_HEADERS}, transport=transport, timeout=httpx.Timeout(None)
        )

    async def post(self, path: str, body: bytes, most_bytes: int) -> Reply:
        """See ``Wire.post``."""
        try:
            async with self._client.stream("POST", path, content=body) as response:
                whole = await read_limited(response.aiter_bytes(BLOCK), most_bytes)
                return Reply(response.status_code, response.headers, whole)
        except (httpx.RequestError, OSError) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        """See ``Wire.aclose``."""
        await self._client.aclose()


async def read_limited(blocks: AsyncIterator[bytes], most_bytes: int) -> bytes:
    """All bytes of a body.

    Raises:
        TooLarge: there are more than ``most_bytes``; nothing further is read.
    """
    read: list[bytes] = []
    size = 0
    async for block in blocks:
        size += len(block)
        if size > most_bytes:
            raise TooLarge
        read.append(block)
    return b"".join(read)
