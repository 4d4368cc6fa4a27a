"""The network by way of aiohttp."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from allotment.models._network import environment_proxy, tls_context
from allotment.models.client._wire import BLOCK, JSON_HEADERS, Reply, read_limited

_CONNECT_S = 10.0


class AiohttpWire:
    """The connections belong to the event loop of the first request. Implements ``Wire``."""

    def __init__(self, url: str, headers: Mapping[str, str], most_connections: int) -> None:
        self._url = url
        self._headers = {**headers, **JSON_HEADERS}
        self._most = most_connections
        self._session: aiohttp.ClientSession | None = None

    async def post(self, path: str, body: bytes, most_bytes: int) -> Reply:
        """See ``Wire.post``."""
        session = self._session = self._session or self._open()
        try:
            async with session.post(self._url + path, data=body, allow_redirects=False) as response:
                whole = await read_limited(response.content.iter_chunked(BLOCK), most_bytes)
                return Reply(response.status, response.headers, whole)
        except (aiohttp.ClientError, OSError) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error

    async def aclose(self) -> None:
        """See ``Wire.aclose``."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._most, ssl=tls_context()),
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S),
            proxy=environment_proxy(self._url),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
