"""Where artefacts live: ``.allotment/`` beside ``allotment.yaml``; atomic writes, append-only ledgers, content hashes.

Nothing here is half-written: a file is replaced whole or not at all, a ledger's torn last line is
recognised and dropped, and a finished step is known by the hash of its inputs.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from allotment.errors import IntegrityError, ProjectError, StorageError

__all__ = [
    "Ledger",
    "Workspace",
    "atomic_writer",
    "file_signature",
    "hash_file",
    "hash_file_once",
    "hash_json",
    "hash_text",
    "models_cache",
    "write_atomic",
    "write_jsonl",
]

_BLOCK = 1024 * 1024


def hash_text(text: str) -> str:
    """SHA-256 of a text's UTF-8 bytes, in hex."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def hash_json(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form (sorted keys, no spaces), in hex."""
    return hash_text(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex; constant memory."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def hash_file_once(path: Path) -> str | None:
    """SHA-256 of a file as it is now, in hex; none if it cannot be read.

    It is read again only when its size, its times or its place on the disk are others than before in this process.
    """
    try:
        return _hash_as_of(path, *file_signature(path))
    except OSError:
        return None


def file_signature(path: Path) -> tuple[int, ...]:
    """What is another as soon as a file was written: its size, its times and its place on the disk."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev


@lru_cache(maxsize=100_000)
def _hash_as_of(path: Path, *_signature: int) -> str:
    return hash_file(path)


@contextmanager
def atomic_writer(path: Path, *, private: bool = False) -> Iterator[IO[bytes]]:
    """A file to write ``path`` anew with: it takes its place whole when the ``with`` ends, or not at all.

    Args:
        private: make it readable by the owner only.

    Raises:
        StorageError: the disk is full or the folder cannot be written; what was there stays.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o600 if private else 0o644)
        Path(temporary).replace(path)
        temporary = ""
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def storage_error(path: Path, error: OSError) -> StorageError:
    """What it means that a file could not be written."""
    return StorageError(
        f"cannot be written ({error.strerror or error}).",
        element=str(path),
        remedy="Free some disk space or mend the folder's rights, then run the same command again.",
    )


def write_atomic(path: Path, data: str | bytes, *, private: bool = False) -> None:
    """Replace ``path`` by ``data`` whole or not at all. Arguments and errors as ``atomic_writer``."""
    with atomic_writer(path, private=private) as file:
        file.write(data.encode("utf-8") if isinstance(data, str) else data)


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Replace ``path`` by one JSON object a line, whole or not at all; rows are not held in memory."""
    with atomic_writer(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False).encode("utf-8") + b"\n")


def models_cache() -> Path:
    """Folder of model files, shared by all projects: ``$ALLOTMENT_MODELS``, else the user's cache."""
    named = os.environ.get("ALLOTMENT_MODELS")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "allotment" / "models"


class Ledger:
    """An append-only JSONL file keyed by content hash: one terminal row for each key; the last one counts.

    Opening it reads keys alone, so a large one opens in seconds; a row is parsed when it is asked for. A line torn by
    a crash is passed over, and cut off when the next row is written; every other malformed line is an error, because a
    ledger nobody edits has none. Who writes holds a lock of the caller's; who only reads needs none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[str, int] = {}
        self._end, self._lines = 0, 0
        self._read_on()
        self.rows = _Rows(path, self._places)
        """Key → row, in the order in which keys were first written. Reading a broken row raises ``IntegrityError``."""

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def append(self, key: str, row: dict[str, Any], *, sync: bool = True) -> None:
        """Write one row.

        Args:
            sync: flush it to the disk before this returns. Without, it is safe from a kill of the process but not
                from a loss of power, until ``sync`` is called.

        Raises:
            StorageError: the disk is full or the file cannot be written; nothing of the row stays.
        """
        line = _line(key, row)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                if file.tell() != self._end:
                    self._read_on()
                    file.truncate(self._end)  # a torn line must not get a whole one behind it
                file.write(line)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
        except OSError as error:
            if self.path.exists():
                os.truncate(self.path, self._end)
            raise StorageError(
                f"cannot be written ({error.strerror or error}).",
                element=str(self.path),
                remedy="Free some disk space, then run the same command again; what is done is kept.",
            ) from error
        self._note(key, len(line))

    def sync(self) -> None:
        """Flush everything to the disk."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def _read_on(self) -> None:
        """Take note of the whole lines behind those that are known."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._end)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._note(_key_of(line, self.path, self._lines + 1), len(line))

    def _note(self, key: str, length: int) -> None:
        self._places[key] = self._end
        self._end += length
        self._lines += 1


class _Rows(Mapping[str, dict[str, Any]]):
    """Rows of a ledger, each read from its place when it is asked for."""

    def __init__(self, path: Path, places: Mapping[str, int]) -> None:
        self._path, self._places = path, places

    def __getitem__(self, key: str) -> dict[str, Any]:
        place = self._places[key]
        with self._path.open("rb") as file:
            return self._row(file, key, place)

    def in_order(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every key with its row; the file is opened once."""
        if self._places:
            with self._path.open("rb") as file:
                for key, place in self._places.items():
                    yield key, self._row(file, key, place)

    def _row(self, file: IO[bytes], key: str, place: int) -> dict[str, Any]:
        file.seek(place)
        try:
            row = json.loads(file.readline())
            if row["key"] == key:
                return dict(row)
        except (ValueError, KeyError, TypeError):
            pass
        raise _not_ours(self._path, f"byte {place}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._places


_OPENING = b'{"key": "'


def _line(key: str, row: Mapping[str, Any]) -> bytes:
    return json.dumps({"key": key, **row}, ensure_ascii=False).encode("utf-8") + b"\n"


def _key_of(line: bytes, path: Path, number: int) -> str:
    end = line.find(b'"', len(_OPENING))
    key = line[len(_OPENING) : end]
    try:
        if line.startswith(_OPENING) and line.endswith(b"}\n") and b"\\" not in key:
            return key.decode("utf-8")
        row = json.loads(line)
        return str(row["key"])
    except (ValueError, KeyError, TypeError) as error:
        raise _not_ours(path, str(number)) from error


def _not_ours(path: Path, place: str) -> IntegrityError:
    return IntegrityError(
        "is not a line this ledger wrote.",
        element=f"{path}:{place}",
        remedy="Restore the file from a backup, or move it away to begin again.",
    )


@dataclass(frozen=True)
class Workspace:
    """The artefacts of one project. Paths are made when first written to."""

    root: Path
    """Folder of ``allotment.yaml``."""

    @property
    def home(self) -> Path:
        """``.allotment/``."""
        return self.root / ".allotment"

    @property
    def sections_file(self) -> Path:
        return self.home / "sections.jsonl"

    @property
    def documents_file(self) -> Path:
        return self.home / "documents.jsonl"

    @property
    def audit_anchor(self) -> Path:
        """File that knows the last audit record; there once the project's state was made."""
        return self.home / "audit.anchor"

    def secret_file(self, name: str) -> Path:
        """Where a secret lies, or will lie."""
        return self.home / "secrets" / name

    @property
    def routing_file(self) -> Path:
        """Numbers of the router that were fitted to the agents' questions."""
        return self.home / "routing" / "trained.json"

    @property
    def feedback_file(self) -> Path:
        """What was decided about the marks users gave to answers."""
        return self.home / "feedback" / "decided.jsonl"

    def dataset_dir(self, agent: str) -> Path:
        return self.home / "dataset" / agent

    def adapters_dir(self, agent: str) -> Path:
        return self.home / "adapters" / agent

    def secret(self, name: str) -> str:
        """A random secret of this project (64 hex digits), made at first use and readable by the owner only."""
        path = self.secret_file(name)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o700)
            with self.lock("secrets"):
                if not path.exists():
                    write_atomic(path, secrets.token_hex(32), private=True)
        value = path.read_text(encoding="ascii").strip()
        if len(value) < 32:
            raise IntegrityError("is too short to be a secret.", element=str(path), remedy="Restore it from a backup.")
        return value

    @contextmanager
    def lock(self, name: str, timeout_s: float = 60.0) -> Iterator[None]:
        """Hold the project's lock ``name``; another process that holds it for ``timeout_s`` is an error."""
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.home / f"{name}.lock", timeout=timeout_s):
                yield
        except Timeout:
            raise ProjectError(
                f"another command is working on {name} here.",
                element=str(self.root),
                remedy="Wait until it ends, then run this again.",
            ) from None

    def step_done(self, name: str, inputs: Any) -> dict[str, Any] | None:
        """The result of step ``name`` if it was finished with exactly these inputs, else none."""
        path = self.home / "steps" / f"{name}.json"
        if not path.exists():
            return None
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            return None
        if record.get("inputs") != hash_json(inputs):
            return None
        result = record.get("result")
        return result if isinstance(result, dict) else None

    def finish_step(self, name: str, inputs: Any, result: dict[str, Any]) -> None:
        """Note that step ``name`` is finished with these inputs."""
        record = {"inputs": hash_json(inputs), "result": result}
        write_atomic(self.home / "steps" / f"{name}.json", json.dumps(record, ensure_ascii=False, indent=1))
