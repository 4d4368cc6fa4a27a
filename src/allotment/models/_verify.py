"""Is a model file the one the catalogue names: hashed once, and noted beside it so that no process hashes it again.

The note saves time, it is no seal: whoever may write into the cache may write both.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

from allotment.errors import StorageError
from allotment.workspace import hash_file_once, write_atomic


def is_genuine(path: Path, *, size_bytes: int, sha256: str) -> bool:
    """Whether the file is there and has this size and hash."""
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_size == size_bytes and _noted_hash(path, found) == sha256


def _noted_hash(path: Path, found: os.stat_result) -> str | None:
    """The file's sha256: from the note while size, times and inode are those of the note, else from its bytes."""
    note = path.with_name(f"{path.name}.verified")
    as_found = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
    try:
        noted = json.loads(note.read_text(encoding="utf-8"))
        if noted["file"] == as_found:
            return str(noted["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no note, or a broken one
    digest = hash_file_once(path)
    with suppress(StorageError):  # a cache nobody may write to is hashed by each process
        write_atomic(note, json.dumps({"file": as_found, "sha256": digest}))
    return digest
