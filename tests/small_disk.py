"""A real disk of a few kilobytes that really becomes full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size_kib: int) -> Iterator[Path]:
    """Mount an empty file system of this size on ``folder``; skips where nobody may mount."""
    if os.geteuid() != 0:
        pytest.skip("only root mounts file systems")
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine mounts nothing")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Take all the space that is left; returns the file that holds it."""
    file = folder / "ballast"
    with file.open("wb") as out:
        room = os.statvfs(folder)
        os.posix_fallocate(out.fileno(), 0, max(1, room.f_bavail * room.f_frsize))
    return file


def remount(folder: Path, how: str) -> None:
    """Make the disk read-only (``ro``) or writable again (``rw``)."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(folder)], check=True)
