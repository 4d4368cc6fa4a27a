"""What holds one run on a node of a Ray cluster: an actor with one supervisor process.

Sent to the node as it stands, so that it starts in no time there: the standard library alone. The package itself must
be installed on the node, for the training. Where the node does not see the project's folder, the run works in a folder
of the node's own, and what it writes is handed over piece by piece, so that the loss of the node loses little.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TOKEN = "token"  # noqa: S105 - a file's name
"""File in a run's folder by which a node knows whether it sees the folder."""
_RESULT = "result.json"
_ONCE = ("examples.jsonl", "validation.jsonl", "questions.jsonl", "spec.json")
_SEAL = "seal.json"


class Host:
    """One attempt on this node."""

    def __init__(
        self,
        folder: str,
        attempt: int,
        token: str,
        files: Mapping[str, bytes] | None,
        environment: Mapping[str, str],
    ) -> None:
        """Start it.

        Args:
            folder: of the run, where the driver is.
            attempt: its number.
            token: what stands in the folder's token file.
            files: the run's folder, for a node that does not see it; none: every node sees it.
            environment: of the training, besides the node's own.
        """
        self._shared = files is None or _sees(Path(folder), token)
        self._folder = Path(folder) if self._shared else Path(tempfile.mkdtemp(prefix="allotment-run-"))
        if not self._shared:
            write_files(self._folder, files or {})
        self._told: dict[str, tuple[int, int]] = {}
        script = Path((importlib.util.find_spec("allotment") or _missing()).submodule_search_locations[0])  # type: ignore[index]
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                str(script / "experiments" / "_supervise.py"),
                str(self._folder),
                str(attempt),
                "--with-parent",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env={**environment, **os.environ, **_first(environment)},
        )

    def place(self) -> str:
        """The node, and its cards."""
        cards = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        return f"node {socket.gethostname()}" + (f", card {cards}" if cards else "")

    def poll(self) -> dict[str, Any]:
        """Whether it is at work, its exit code, and what it has written since the last poll."""
        code = self._process.poll()
        files = {} if self._shared else self._news()
        return {"code": code, "files": files, "shared": self._shared}

    def stop(self) -> None:
        """End it, and wait until it has."""
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def clean(self) -> None:
        """Remove the node's own folder."""
        if not self._shared:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _news(self) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for path in sorted(self._folder.rglob("*")):
            name = str(path.relative_to(self._folder))
            if not path.is_file() or "/." in f"/{name}" or path.name in (*_ONCE, "lock", TOKEN) or not _whole(path):
                continue
            mark = path.stat()
            if self._told.get(name) != (mark.st_size, mark.st_mtime_ns):
                found[name] = path.read_bytes()
                self._told[name] = (mark.st_size, mark.st_mtime_ns)
        return found


def _whole(path: Path) -> bool:
    """A checkpoint is handed over when it is sealed."""
    for parent in path.parents:
        if parent.name.startswith("checkpoint-"):
            return (parent / _SEAL).exists()
    return True


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, each whole; the result comes last, for it says that the others are there."""
    for name in sorted(files, key=lambda name: (Path(name).name == _RESULT, name)):
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        partial.write_bytes(files[name])
        partial.replace(target)


def read_files(folder: Path) -> dict[str, bytes]:
    """A run's folder, for a node that does not see it: its spec, what it learns from, and its whole checkpoints."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        is_needed = path.name in (*_ONCE, "metrics.jsonl", "probe.json", "best.safetensors") or "checkpoints/" in name
        if path.is_file() and is_needed and "/." not in f"/{name}" and _whole(path):
            found[name] = path.read_bytes()
    return found


def _sees(folder: Path, token: str) -> bool:
    try:
        return (folder / TOKEN).read_text(encoding="ascii") == token
    except OSError:
        return False


def _first(environment: Mapping[str, str]) -> dict[str, str]:
    """Settings of the heap count before the node's own."""
    return {key: value for key, value in environment.items() if key == "GLIBC_TUNABLES"}


def _missing() -> Any:
    raise RuntimeError("allotment is not installed on this node")
