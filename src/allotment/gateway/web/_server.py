"""How the gateway is served: one parser of HTTP, known and strict, with bounds."""

from __future__ import annotations

import socket
from typing import Any

SERVER_OPTIONS: dict[str, Any] = {
    "http": "h11",
    "ws": "none",
    "server_header": False,
    "h11_max_incomplete_event_size": 65_536,
    "timeout_keep_alive": 5,
}
"""For ``uvicorn.Config``. h11 refuses what two servers could read in two ways."""

_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 - compared with, not listened on


def hosts_for(listen: str, names: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Names requests may be for: those of this machine the gateway listens on, and the ones it is told.

    A page of another site whose name somebody points here reaches nothing.
    """
    own = (socket.gethostname(), socket.getfqdn()) if listen in _EVERYWHERE else (listen,)
    return tuple(dict.fromkeys(name.lower() for name in (*_LOOPBACK, *own, *names)))
