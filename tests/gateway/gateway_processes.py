"""Real `allotment serve` processes over a small company whose model is a server that answers when it is let."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from allotment.cli._open import State, open_state
from allotment.project import load_project
from allotment.workspace import Workspace
from small_company import make_company

PROGRAM = Path(sys.executable).with_name("allotment")
QUESTION = "How many orders are there?"
PASSWORD = "quiet-meadow-42"
PATIENCE_S = 240.0
SQL = """
CREATE TABLE orders (order_id integer PRIMARY KEY, country text NOT NULL);
INSERT INTO orders SELECT n, CASE WHEN n <= 37 THEN 'Sweden' ELSE 'Norway' END FROM generate_series(1, 100) n;
"""
ORDERS = {"orders": {"columns": ["order_id", "country"], "rows": {"country": "Sweden"}}}


class ModelServer:
    """An OpenAI-compatible server that writes one statement; while it is held, it keeps whoever asks waiting."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        """Released once for each request that came."""
        self.free = threading.Event()
        self.free.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                outer.asked.release()
                outer.free.wait(PATIENCE_S)
                message = {"role": "assistant", "content": "SELECT count(*) AS orders FROM orders"}
                whole = {
                    "model": "writer",
                    "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                    "usage": {"prompt_tokens": 70, "completion_tokens": 11, "total_tokens": 81},
                }
                body = json.dumps(whole).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.name = f"http://127.0.0.1:{self._server.server_port}/v1#writer"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def wait_asked(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.asked.acquire(timeout=PATIENCE_S), "the model was not asked"

    def close(self) -> None:
        self.free.set()
        self._server.shutdown()
        self._server.server_close()


def declare(root: Path, model: str, change: Callable[[dict[str, Any]], None] = lambda declared: None) -> None:
    """Write the company's file: roles and agents ``sales`` and ``board``, both with the orders of Sweden."""
    tables = dict.fromkeys(("sales", "board"), ("shop", ORDERS))
    make_company(root, {"shop": SQL}, tables)
    path = root / "allotment.yaml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    declared["models"] = {"sql": model, "base": model}
    declared["agents"]["sales"]["description"] = declared["agents"]["board"]["description"] = "orders"
    declared["gateway"] = {"timeouts": {"shutdown_s": 30.0}}
    change(declared)
    write(path, declared)


def write(path: Path, declared: Mapping[str, Any]) -> None:
    path.write_text(yaml.safe_dump(dict(declared), sort_keys=False) + "...\n", encoding="utf-8")


@contextmanager
def open_company(root: Path) -> Iterator[State]:
    """The company's state in this process: its server runs while this is open."""
    with open_state(load_project(root), Workspace(root)) as state:
        yield state


def new_key(state: State, user: str, role: str) -> str:
    """A key of a new user of this role."""
    state.users.add(user, role, PASSWORD)
    return state.users.create_key(user)


@dataclass
class Served:
    """A running `allotment serve`."""

    process: subprocess.Popen[bytes]
    address: str
    said: Path
    metrics: str = ""
    clients: list[httpx.Client] = field(default_factory=list)

    def client(self, key: str = "") -> httpx.Client:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        made = httpx.Client(base_url=self.address, headers=headers, timeout=PATIENCE_S)
        self.clients.append(made)
        return made

    def ask(self, key: str, agent: str = "sales") -> httpx.Response:
        """One question, the answer whole."""
        body = {"model": agent, "messages": [{"role": "user", "content": QUESTION}]}
        with self.client(key) as client:
            return client.post("/v1/chat/completions", json=body)

    @contextmanager
    def stream(self, key: str, agent: str = "sales") -> Iterator[Iterator[str]]:
        """One question, the answer's lines as they come."""
        body = {"model": agent, "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
        with self.client(key) as client, client.stream("POST", "/v1/chat/completions", json=body) as response:
            assert response.status_code == 200, response.read()
            yield response.iter_lines()

    def told(self) -> str:
        return self.said.read_text(encoding="utf-8")

    def wait_told(self, words: str, times: int = 1) -> None:
        wait_until(lambda: self.told().count(words) >= times, lambda: f"{words!r} was not told: {self.told()}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


def wait_until(true: Callable[[], bool], why: Callable[[], str] = lambda: "it did not come true") -> None:
    """Look again and again until it is so, or fail."""
    limit = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < limit, why()
        threading.Event().wait(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(root: Path, *arguments: str, env: Mapping[str, str] | None = None, metrics: bool = False) -> Iterator[Served]:
    """`allotment serve` as people start it, ready to be asked; ended at the end, whatever state it is in."""
    port, metrics_port = free_port(), free_port()
    more = ["--metrics-port", str(metrics_port)] if metrics else []
    command = [PROGRAM, "-C", root, "serve", "--port", str(port), *more, *arguments]
    said = root / f"said-{port}"
    with (
        said.open("wb") as stderr,
        subprocess.Popen(command, stderr=stderr, env={**os.environ, **(env or {})}) as process,
    ):
        served = Served(process, f"http://127.0.0.1:{port}", said, f"http://127.0.0.1:{metrics_port}/metrics")
        try:
            wait_until(lambda: process.poll() is not None or _answers(served), served.told)
            assert process.poll() is None, served.told()
            yield served
        finally:
            for client in served.clients:
                client.close()
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()


def _answers(served: Served) -> bool:
    try:
        return httpx.get(f"{served.address}/healthz").status_code == 200
    except httpx.HTTPError:
        return False
