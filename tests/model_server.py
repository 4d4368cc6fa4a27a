"""A server of models on the loopback interface that answers what a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Said = tuple[int, Iterable[bytes]]
"""A status, and the body in the blocks it is sent in."""


@contextmanager
def model_server(answer: Callable[[Any], Said], *, closes: bool = False) -> Iterator[str]:
    """The address of a server; ``answer`` is told the JSON of each request (none for a GET).

    ``closes`` hangs up after each answer without having said that it would.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._say(*answer(None))

        def do_POST(self) -> None:
            self._say(*answer(json.loads(self.rfile.read(int(self.headers["content-length"])))))

        def _say(self, status: int, blocks: Iterable[bytes]) -> None:
            self.send_response(status)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for block in blocks:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block))
            self.wfile.write(b"0\r\n\r\n")
            self.close_connection = closes

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:  # hung up on
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()


def said(value: object, status: int = 200) -> Said:
    """JSON as the answer."""
    return status, [json.dumps(value).encode()]
