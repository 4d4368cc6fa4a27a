"""How the gateway is served: one parser of HTTP, known and strict, with bounds."""

from __future__ import annotations

from typing import Any

SERVER_OPTIONS: dict[str, Any] = {
    "http": "h11",
    "ws": "none",
    "server_header": False,
    "h11_max_incomplete_event_size": 65_536,
    "timeout_keep_alive": 5,
}
"""For ``uvicorn.Config``. h11 refuses what two servers could read in two ways."""
