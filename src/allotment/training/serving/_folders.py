"""A folder that leaves the project: it appears whole, with its seal, or not at all."""

from __future__ import annotations

import hmac
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from allotment.errors import ManifestError, ProjectError, StorageError
from allotment.workspace import Workspace, hash_file, hash_json, write_atomic

PROVENANCE = "provenance.json"


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """A folder to fill; it takes the place ``output`` when the ``with`` ends, or is removed.

    Raises:
        ProjectError: something is there already.
        StorageError: the disk is full or the folder cannot be written.
    """
    if output.exists() and not (output.is_dir() and not any(output.iterdir())):
        raise ProjectError("is there already.", element=str(output), remedy="Give a folder that is new or empty.")
    partial = output.with_name(f".{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        yield partial
        partial.rename(output)
    except OSError as error:
        raise StorageError(f"cannot be written ({error.strerror or error}).", element=str(output)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def seal_folder(workspace: Workspace, folder: Path, provenance: Mapping[str, Any]) -> None:
    """Write what the folder is, with the hash of every file in it, signed with the project's key."""
    body = {**provenance, "files": _hashes(folder)}
    record = {"provenance": body, "signature": _signature(workspace, body)}
    write_atomic(folder / PROVENANCE, json.dumps(record, ensure_ascii=False, indent=1))


def check_folder(workspace: Workspace, folder: Path) -> dict[str, Any]:
    """What a sealed folder of this project is.

    Raises:
        ManifestError: it has no seal, or something in it is not what was sealed.
    """
    try:
        record = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
        body, signature = dict(record["provenance"]), str(record["signature"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ManifestError("has no seal that can be read.", element=str(folder)) from None
    if not hmac.compare_digest(_signature(workspace, body), signature):
        raise ManifestError("its seal is not one of this project, or was edited.", element=str(folder))
    if body["files"] != _hashes(folder):
        raise ManifestError("its files are not those that were sealed.", element=str(folder))
    return body


def _hashes(folder: Path) -> dict[str, str]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != PROVENANCE]
    return {path.relative_to(folder).as_posix(): hash_file(path) for path in paths}


def _signature(workspace: Workspace, body: Mapping[str, Any]) -> str:
    told = f"folder {hash_json(body)}"  # so that no manifest's signature passes as a folder's
    return hmac.new(bytes.fromhex(workspace.secret("manifest.key")), told.encode("ascii"), sha256).hexdigest()
