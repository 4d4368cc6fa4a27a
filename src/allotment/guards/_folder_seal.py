"""One hash over all files of a folder, so that a model that was fetched once stays what it was."""

from __future__ import annotations

from pathlib import Path

from allotment.errors import MissingPartError
from allotment.workspace import hash_file, hash_json


def folder_seal(folder: Path) -> str:
    """Sha256 over the names and contents of the folder's files; hidden ones are no part of a model.

    Raises:
        MissingPartError: there is no such folder, or it cannot be read.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
        return hash_json([[path.name, hash_file(path)] for path in files])
    except OSError as error:
        raise MissingPartError(f"the folder cannot be read ({error.strerror}).", element=str(folder)) from error
