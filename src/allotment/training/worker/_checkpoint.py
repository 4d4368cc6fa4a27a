"""Checkpoints that are whole or not there: written beside their place, sealed with the files' hashes, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from allotment.workspace import hash_file, write_atomic

SEAL = "seal.json"
KEPT = 2
"""Two, so that one that turns out broken does not cost the whole training."""


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A folder to write a checkpoint's parent in; what an earlier process left there is removed, whatever happens."""
    place = folder / ".partial"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def put_in_place(written: Path, folder: Path) -> Path:
    """Seal a written checkpoint, move it into ``folder`` whole, and remove those that are too many."""
    files = sorted(path for path in written.rglob("*") if path.is_file())
    seal = {str(path.relative_to(written)): hash_file(path) for path in files}
    for path in files:
        _flush(path)
    write_atomic(written / SEAL, json.dumps(seal))
    place = folder / written.name
    shutil.rmtree(place, ignore_errors=True)
    written.rename(place)
    _flush(folder)
    for old in _by_step(folder)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)
    return place


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def newest_whole(folder: Path) -> Path | None:
    """The newest checkpoint whose files are those that were sealed; what is broken is passed over."""
    return next((path for path in _by_step(folder) if _is_whole(path)), None)


def _by_step(folder: Path) -> list[Path]:
    """Newest first."""
    found = [path for path in folder.glob("checkpoint-*") if path.name.rpartition("-")[2].isdigit()]
    return sorted(found, key=step_of, reverse=True)


def step_of(checkpoint: Path) -> int:
    """Steps done when it was written."""
    return int(checkpoint.name.rpartition("-")[2])


def _is_whole(checkpoint: Path) -> bool:
    try:
        seal = json.loads((checkpoint / SEAL).read_text(encoding="utf-8"))
        return bool(seal) and all(hash_file(checkpoint / name) == digest for name, digest in seal.items())
    except (OSError, ValueError, AttributeError):
        return False


def epochs_of(checkpoint: Path | None) -> float:
    """Epochs an earlier process did before this checkpoint."""
    if checkpoint is None:
        return 0.0
    state = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    return float(state["epoch"])
