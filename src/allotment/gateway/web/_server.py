"""How the gateway is served: one parser of HTTP, known and strict, with bounds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

NoteUnreadable = Callable[[str | None, str], None]
"""Is told the address of whoever sent what is no request, and what was wrong with it; it may take a while."""

SERVER_OPTIONS: dict[str, Any] = {
    "http": "h11",
    "ws": "none",
    "server_header": False,
    "h11_max_incomplete_event_size": 65_536,
    "timeout_keep_alive": 5,
}
"""For ``uvicorn.Config``. h11 refuses what two servers could read in two ways."""


def strict_protocol(note: NoteUnreadable, head_s: float) -> type[asyncio.Protocol]:
    """The same parser, which tells of what it refuses, and closes a connection whose request does not begin in time.

    Args:
        note: is called in another thread.
        head_s: seconds the headers of a request may take, counted from the connection or from their first byte.
    """

    class StrictProtocol(H11Protocol):
        _head_timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._watch_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._watch_head()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._stop_watching()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            if self.conn.trailing_data[0]:
                self._watch_head()

        def send_400_response(self, msg: str) -> None:
            self._note("the server could not read it")
            super().send_400_response(msg)

        def _watch_head(self) -> None:
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop_watching()
            elif self._head_timer is None and not self.transport.is_closing():
                self._head_timer = self.loop.call_later(head_s, self._too_slow)

        def _stop_watching(self) -> None:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _too_slow(self) -> None:
            self._head_timer = None
            if self.conn.trailing_data[0]:  # browsers open connections that they may never use
                self._note("its headers took too long")
            self.transport.close()

        def _note(self, why: str) -> None:
            self.loop.run_in_executor(None, note, self.client[0] if self.client else None, why)

    return StrictProtocol
