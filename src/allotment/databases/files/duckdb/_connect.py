"""Connections to DuckDB files: the owner's to make a copy, the account's to read one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import duckdb

from allotment.cancellation import current
from allotment.databases.files._quote import literal, name
from allotment.errors import DatabaseUnavailable, ProjectError, StorageError

SOURCE = "source"
"""Name the source is attached under."""
_SEALED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_unsigned_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
    "ieee_floating_point_ops": False,
    "memory_limit": "256MB",
    "temp_directory": "",
    "threads": 1,
    "lock_configuration": True,
}
"""No files, no code, no network, no variables of Python, no division by zero; no statement changes it."""


@contextmanager
def reading(copy: Path, *, account: str, timeout_s: float) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a copy read-only and sealed; what takes longer than ``timeout_s``, or nobody waits for, is interrupted.

    Raises:
        DatabaseUnavailable: the copy cannot be opened.
    """
    try:
        connection = duckdb.connect(copy, read_only=True, config=_SEALED)
    except duckdb.Error:
        raise DatabaseUnavailable(
            "the copy cannot be read.", element=account, remedy="Run `allotment database provision --reload`."
        ) from None
    watch = Timer(timeout_s, connection.interrupt)
    watch.daemon = True
    try:
        watch.start()
        with current().calling(connection.interrupt):
            yield connection
    finally:
        watch.cancel()
        watch.join()
        connection.close()


@contextmanager
def copying(source: Path, target: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """The copy with the source beside it, read-only.

    Raises:
        ProjectError: a statement does not fit the source.
        DatabaseUnavailable: another process writes to the source.
        StorageError: the disk is full.
    """
    try:
        with duckdb.connect(target or ":memory:", config={"python_enable_replacements": False}) as connection:
            connection.execute(f"ATTACH {literal(str(source.resolve()))} AS {name(SOURCE)} (READ_ONLY)")
            yield connection
    except duckdb.Error as error:
        raise _translated(error, source) from None


def _translated(error: duckdb.Error, source: Path) -> ProjectError | DatabaseUnavailable | StorageError:
    first = str(error).splitlines()[0]
    if isinstance(error, duckdb.IOException) and "lock" in first:
        return DatabaseUnavailable("another process is writing to it.", element=str(source), remedy="Close it there.")
    if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
        return StorageError(f"cannot be copied ({first}).", element=str(source), remedy="Free some disk space.")
    return ProjectError(f"cannot be copied ({first}).", element=str(source), remedy="Mend the file or the declaration.")
