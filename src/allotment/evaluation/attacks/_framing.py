"""Requests that a careful client refuses to send: framing that two servers could read in two ways."""

from __future__ import annotations

from collections.abc import Iterable
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import urlsplit

import httpx

_TIMEOUT_S = 60.0


def send_anyhow(method: str, url: str, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> httpx.Response:
    """Send a request as it is written, whatever its headers say of its length, on a connection of its own.

    Raises:
        OSError: nothing came back.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
    try:
        path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        written = list(headers)
        if b"content-length" not in {name.lower() for name, _ in written}:
            written.append((b"content-length", str(len(body)).encode()))
        for name, value in written:
            connection.putheader(name, value)
        connection.endheaders(body)
        found = connection.getresponse()
        # The body is read whole already, so nothing is left to be decoded or measured.
        said = [(name, text) for name, text in found.getheaders() if name.lower() not in _OF_THE_BODY]
        return httpx.Response(found.status, headers=said, content=found.read())
    finally:
        connection.close()


_OF_THE_BODY = frozenset({"transfer-encoding", "content-length", "content-encoding"})
