"""A file that is written while it is read is closed as soon as nobody reads it."""

from __future__ import annotations

from collections.abc import Generator, MutableMapping
from typing import Any

import anyio
import pytest

from allotment.gateway.web._stream import Lines


class Source:
    """Lines without end, and whether they were closed."""

    def __init__(self) -> None:
        self.given, self.closed = 0, False

    def lines(self) -> Generator[bytes]:
        try:
            while True:
                self.given += 1
                yield b"{}\n"
        finally:
            self.closed = True


def test_when_the_line_breaks_the_source_is_closed() -> None:
    source = Source()

    async def send(message: MutableMapping[str, Any]) -> None:
        if source.given == 3:
            raise OSError("the client is gone")

    with pytest.raises(OSError, match="gone"):
        anyio.run(Lines(source.lines(), "text/plain", "x").stream_response, send)
    assert source.closed


def test_when_the_request_is_cancelled_the_source_is_closed() -> None:
    source = Source()

    async def read_and_leave() -> None:
        async def send(message: MutableMapping[str, Any]) -> None:
            if source.given == 3:
                scope.cancel()

        with anyio.CancelScope() as scope:
            await Lines(source.lines(), "text/plain", "x").stream_response(send)

    anyio.run(read_and_leave)
    assert source.closed and source.given == 3
