"""What breaks around a gateway: its database, the server of its adapters, its disk."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from support.gateway_servers import stub_command, wait_until_up

from allotment.databases import EmbeddedServer
from allotment.workspace import Workspace

DISK_MIB = 256
DOWN_S = 3.0
"""How long what was broken stays so."""


class Faults:
    """Breaks things and mends them again; each method returns when it is mended, with what it did."""

    def __init__(self, root: Path, port: int, seen: Path, folder: Path) -> None:
        self._root = root
        self._port = port
        self._seen = seen
        self._folder = folder
        self._stub: subprocess.Popen[bytes] | None = None
        self._adapters: Sequence[str] = ()
        self._mounted = False

    def mount(self) -> None:
        """Give the project's workspace a small disk of its own, where this process may mount one."""
        if os.geteuid() != 0:
            return
        home = self._root / ".allotment"
        home.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(home)]
        self._mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0

    def close(self) -> None:
        """End the stub and give the disk back."""
        self._stop_upstream(signal.SIGTERM)
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self._root / ".allotment")], check=True)

    def start_upstream(self, adapters: Sequence[str]) -> None:
        """Start the stub, with what it saw kept in a file."""
        self._adapters = adapters
        log = self._folder / "stub.log"
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        with log.open("ab") as out:
            self._stub = subprocess.Popen(
                stub_command(self._port, adapters, self._seen), env=environment, stdout=out, stderr=out
            )
        wait_until_up(self._stub, self._port, "/v1/models", log)

    def _stop_upstream(self, how: signal.Signals) -> None:
        if self._stub is not None:
            with suppress(ProcessLookupError):
                self._stub.send_signal(how)
            self._stub.wait()
            self._stub = None

    async def kill_upstream(self) -> dict[str, Any]:
        """Kill the server of the adapters, and start it again after a while."""
        self._stop_upstream(signal.SIGKILL)
        await asyncio.sleep(DOWN_S)
        await asyncio.to_thread(self.start_upstream, self._adapters)
        return {"down_s": DOWN_S}

    async def kill_database(self) -> dict[str, Any]:
        """Kill every process of PostgreSQL at once; the gateway has to bring it back itself."""
        server = EmbeddedServer(Workspace(self._root))
        postmaster = int((server.place.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
        children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text(encoding="ascii").split()
        for pid in (postmaster, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return {"killed": 1 + len(children)}

    async def fill_disk(self) -> dict[str, Any]:
        """Take all the room of the workspace's disk for a while."""
        if not self._mounted:
            return {"left_out": "this machine mounts nothing"}
        ballast, began = self._root / ".allotment" / "ballast", time.monotonic()
        with ballast.open("wb") as out:
            room = os.statvfs(ballast)
            os.posix_fallocate(out.fileno(), 0, max(1, room.f_bavail * room.f_frsize))
        await asyncio.sleep(DOWN_S)
        ballast.unlink()
        return {"full_s": round(time.monotonic() - began, 1)}
