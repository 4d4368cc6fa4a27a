"""What a kind of file must be able to do, and how its kind is known: by its first bytes, never by its name."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from allotment.databases._card import SchemaCard
from allotment.databases._declared import Rule
from allotment.databases._result import QueryResult
from allotment.databases.files._manifest import CopiedKey, CopiedTable, Kind, Manifest
from allotment.databases.gate import GatedSql
from allotment.errors import MissingPartError, ProjectError
from allotment.project import DatabaseLimits

_SQLITE_MAGIC = b"SQLite format 3\x00"
_DUCKDB_MAGIC = b"DUCK"
_DUCKDB_MAGIC_AT = 8


@dataclass(frozen=True)
class Copied:
    """What a copy came to hold."""

    statements: tuple[str, ...]
    tables: dict[str, CopiedTable]
    keys: tuple[CopiedKey, ...]


class Copy(Protocol):
    """Makes a copy; ``rules`` are those of one account."""

    def __call__(self, source: Path, target: Path | None, rules: Sequence[Rule]) -> Copied:
        """Write the copy to a path that does not exist; with none, only tell what it would hold: rows are counted.

        Raises:
            ProjectError: a table, column or row filter does not fit the source.
            DatabaseUnavailable: the source cannot be read now.
        """


class Describe(Protocol):
    """Tells what a copy holds, for a model that writes SQL."""

    def __call__(self, copy: Path, manifest: Manifest, rules: Sequence[Rule]) -> SchemaCard: ...


class Query(Protocol):
    """Asks a copy."""

    def __call__(
        self, copy: Path, rules: Sequence[Rule], gated: GatedSql, *, max_rows: int, limits: DatabaseLimits
    ) -> QueryResult:
        """Run a statement that passed the gate.

        Raises:
            SqlRefused: it cannot be carried over, is refused, took too long, or cannot be computed.
        """


@dataclass(frozen=True)
class Engine:
    """One kind of file."""

    copy: Copy
    describe: Describe
    query: Query


def kind_of(file: Path, *, element: str) -> Kind:
    """SQLite or DuckDB.

    Raises:
        ProjectError: the file is not there, or neither.
    """
    try:
        with file.open("rb") as opened:
            head = opened.read(_DUCKDB_MAGIC_AT + len(_DUCKDB_MAGIC) + len(_SQLITE_MAGIC))
    except OSError as error:
        raise ProjectError(
            f"cannot be read ({error.strerror or error}).",
            element=str(file),
            remedy=f"Mend {element} in allotment.yaml.",
        ) from None
    if head.startswith(_SQLITE_MAGIC):
        return "sqlite"
    if head[_DUCKDB_MAGIC_AT:].startswith(_DUCKDB_MAGIC):
        return "duckdb"
    raise ProjectError("is neither a SQLite nor a DuckDB file.", element=str(file), remedy=f"Mend {element}.")


def engine_for(kind: Kind) -> Engine:
    """The engine of a kind.

    Raises:
        MissingPartError: its driver is not installed.
    """
    try:
        module = importlib.import_module(f"allotment.databases.files.{kind}._engine")
    except ModuleNotFoundError as error:
        if error.name != "duckdb":
            raise
        raise MissingPartError(
            "is not installed.", element="duckdb", remedy="Run `pip install 'allotment[duckdb]'`."
        ) from None
    return cast(Engine, module.ENGINE)
