"""What a measurement has found so far, kept on this machine, so that one that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import pickle
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

_Found = TypeVar("_Found")
FOLDER = Path.home() / ".cache" / "allotment-benchmarks" / "guards"


class Kept:
    """Parts by name, all of the same code and data: with another they are measured anew."""

    def __init__(self, kind: str, files: Iterable[Path]) -> None:
        """Drop what is kept of other code or data.

        Args:
            kind: of the parts.
            files: whatever they depend on.
        """
        digest = hashlib.sha256()
        for path in sorted(files):
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
        self._folder = FOLDER / kind / digest.hexdigest()[:16]
        for other in (FOLDER / kind).glob("*"):
            if other != self._folder:
                shutil.rmtree(other)
        self._folder.mkdir(parents=True, exist_ok=True)

    def part(self, name: str, make: Callable[[], _Found]) -> _Found:
        """What is kept under this name, or what ``make`` gives, kept from now on."""
        path = self._folder / f"{name}.pickle"
        if path.exists():
            found: _Found = pickle.loads(path.read_bytes())
            return found
        found = make()
        unfinished = path.with_suffix(".part")
        unfinished.write_bytes(pickle.dumps(found))
        unfinished.replace(path)
        return found
