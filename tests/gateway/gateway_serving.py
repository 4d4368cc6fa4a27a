"""An application on a real server."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from allotment.gateway import SERVER_OPTIONS, strict_protocol

HEAD_S = 2.0
"""Seconds the headers of a request may take here."""


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """A real server on a free port; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    note = getattr(app.state, "note_unreadable", lambda *_: None)
    options = {**SERVER_OPTIONS, "http": strict_protocol(note, HEAD_S)}
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2, **options))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
