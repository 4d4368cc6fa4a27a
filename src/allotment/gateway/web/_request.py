"""What is wrong with a request whatever its route: its size, its framing, its path, the host it is for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.types import Scope

MAX_TARGET_BYTES = 4096
"""Path and query."""
MAX_HEADER_BYTES = 8192
"""One header."""
MAX_HEADERS_BYTES = 32_768
"""All headers."""
MAX_HEADERS = 100

_ONCE = frozenset(
    (b"authorization", b"content-length", b"content-type", b"cookie", b"host", b"transfer-encoding", b"x-csrf-token")
)
"""Headers of which two would leave open which one counts."""
_ODD = re.compile(rb"//|\\|;|%(?:0|1|2e|2f|5c|7f)|(?:^|/)\.\.?(?:/|$)|%[^0-9a-f]|%.[^0-9a-f]|%.?$", re.IGNORECASE)
"""Parts of a path that a server in front may read otherwise."""

Fault = tuple[int, str]
"""Status, and words for whoever sent it."""


def fault_of(scope: Scope, *, max_body_bytes: int, hosts: Sequence[str]) -> Fault | None:
    """The first thing that is wrong with a request; none if it may be looked at.

    Args:
        scope: the request.
        max_body_bytes: largest body it may announce.
        hosts: names it may be for (``*.example.org`` works); none allows all.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
    if len(raw_path) + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return 414, "The address is too long."
    sizes = [len(name) + len(value) for name, value in headers]
    if len(sizes) > MAX_HEADERS or sum(sizes) > MAX_HEADERS_BYTES or max(sizes, default=0) > MAX_HEADER_BYTES:
        return 431, "The headers are too large."
    named: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in named and name in _ONCE:
            return 400, f"The header {name.decode()} stands there twice."
        named[name] = value
    if b"transfer-encoding" in named and b"content-length" in named:
        return 400, "Either a length or chunks, not both."
    if _declared_length(named.get(b"content-length", b"0")) > max_body_bytes:
        return 413, "The request is too large."
    if hosts and not _is_for(named.get(b"host", b"").decode("latin-1"), hosts):
        return 400, "This service does not answer under that name."
    if not raw_path.startswith(b"/") or _ODD.search(raw_path):
        return 404, "There is no such address."
    return None


def _declared_length(value: bytes) -> int:
    return int(value) if value.isdigit() else 0


def _is_for(host: str, hosts: Sequence[str]) -> bool:
    name = re.sub(r":\d*$", "", host).lower()
    return any(name == allowed or (allowed[:2] == "*." and name.endswith(allowed[1:])) for allowed in hosts)
