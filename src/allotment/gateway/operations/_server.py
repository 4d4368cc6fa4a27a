"""``GatewayServer``: uvicorn, stopped so that answers are finished, and told by signals."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence

import uvicorn
from starlette.types import ASGIApp

from allotment.gateway.operations._running import STOPPING, Running
from allotment.gateway.web._server import SERVER_OPTIONS, NoteUnreadable, strict_protocol
from allotment.project import GatewayConfig

_LAST_WORDS_S = 5.0
_LOOK_EVERY_S = 0.05


class GatewayServer(uvicorn.Server):
    """SIGTERM and SIGINT: no new requests, running ones have their time, then exit code 0. A second one: at once."""

    def __init__(
        self,
        app: ASGIApp,
        config: GatewayConfig,
        running: Running,
        *,
        note_unreadable: NoteUnreadable,
        reload: Callable[[], None] | None = None,
    ) -> None:
        """``reload`` is called in a thread at each SIGHUP, ``note_unreadable`` at bytes that are no request."""
        proxies = list(config.forwarded_allow_ips)
        protocol = strict_protocol(note_unreadable, config.timeouts.request_s)
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="on",
                proxy_headers=bool(proxies),
                forwarded_allow_ips=proxies,
                timeout_graceful_shutdown=round(_LAST_WORDS_S),
                **{**SERVER_OPTIONS, "http": protocol, "timeout_keep_alive": config.timeouts.idle_s},
            )
        )
        self._running = running
        self._shutdown_s = config.timeouts.shutdown_s
        self._reload = reload
        self._tasks: set[asyncio.Future[None]] = set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The signals are this server's own; none is raised again at the end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        yield

    def stop(self) -> None:
        """Take no more requests and end when the running ones did; called again, end them now."""
        if self._running.stopping:
            self._running.end_all(STOPPING)
            return
        self._running.stopping = True
        self._keep(asyncio.ensure_future(self._drain()))

    def reload(self) -> None:
        """Load ``allotment.yaml`` anew; one that is being loaded is waited for."""
        if self._reload is not None and not self._running.stopping:
            self._keep(asyncio.get_running_loop().run_in_executor(None, self._reload))

    async def _drain(self) -> None:
        await self._finish_within(self._shutdown_s)
        self._running.end_all(STOPPING)
        await self._finish_within(_LAST_WORDS_S)
        self.should_exit = True

    async def _finish_within(self, seconds: float) -> None:
        limit = time.monotonic() + seconds
        while len(self._running) and time.monotonic() < limit:
            await asyncio.sleep(_LOOK_EVERY_S)

    def _keep(self, task: asyncio.Future[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def hosts_of(config: GatewayConfig, bound: str) -> Sequence[str]:
    """Host names requests may be for: the declared ones, and on a loopback address those of this machine."""
    loopback = ("localhost", "127.0.0.1", "::1", "[::1]") if is_loopback(bound) else ()
    return (*config.hosts, *loopback)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches what listens there."""
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return bool(found) and all(str(entry[4][0]).startswith("127.") or entry[4][0] == "::1" for entry in found)
