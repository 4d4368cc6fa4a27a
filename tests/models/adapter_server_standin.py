"""A server on loopback that has adapters by name, as vLLM with ``--enable-lora``, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class AdapterServerStandIn(ThreadingHTTPServer):
    """Lists ``adapters`` with their parent; answers for these and for ``base`` alone, unless it ``ignores_names``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.adapters: set[str] = set()
        self.aliases: set[str] = {"base"}
        self.ignores_names = False
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.endless = False
        self.left = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: AdapterServerStandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        listed = [{"id": name, "parent": "base"} for name in self.server.adapters]
        self._json(200, {"data": [*listed, *({"id": name, "parent": None} for name in self.server.aliases)]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(body)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        known = body["model"] in self.server.adapters | self.server.aliases
        if not known and not self.server.ignores_names:
            self._json(404, {"error": {"message": f"The model {body['model']} does not exist."}})
            return
        name = body["model"] if known else "base"
        if body.get("stream"):
            self._stream(name)
            return
        choice = {"message": {"content": f"said by {name}"}, "finish_reason": "stop"}
        self._json(200, {"model": name, "choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 3}})

    def _json(self, status: int, value: dict[str, Any]) -> None:
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _stream(self, name: str) -> None:
        self.send_response(200)
        self.send_header("connection", "close")
        self.end_headers()
        try:
            self._piece(name, "one ")
            while self.server.endless:
                self._piece(name, "more ")
            self._piece(name, "two")
            self.wfile.write(b"data: [DONE]\n\n")
        except OSError:
            self.server.left.set()
        self.close_connection = True

    def _piece(self, name: str, text: str) -> None:
        chunk = {"model": name, "choices": [{"delta": {"content": text}}]}
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())


@contextmanager
def adapter_server() -> Iterator[AdapterServerStandIn]:
    """A running one."""
    with AdapterServerStandIn() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
