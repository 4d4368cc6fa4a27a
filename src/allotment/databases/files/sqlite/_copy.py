"""Makes a SQLite copy that holds the declared columns and the rows the filters let through, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from allotment.databases._declared import Rule
from allotment.databases.files._engine import Copied
from allotment.databases.files._manifest import CopiedTable
from allotment.databases.files._quote import name, names
from allotment.databases.files.sqlite._source import SCHEMA, SourceTable, indexed, keys_of, look_at
from allotment.errors import DatabaseUnavailable, ProjectError, StorageError


def copy(source: Path, target: Path | None, rules: Sequence[Rule]) -> Copied:
    """Copy what the rules of one account name; without a target, only say what would be done.

    Raises:
        ProjectError: a table, column or row filter does not fit.
        DatabaseUnavailable: the source is locked.
        StorageError: the disk is full.
    """
    with _opened(source, target) as connection:
        tables = [look_at(connection, rule) for rule in rules]
        keys = keys_of(connection, tables)
        statements = [
            statement for table in tables for statement in _statements(table, indexed(connection, table, keys))
        ]
        if target is not None:
            for statement in statements:
                connection.execute(statement)
        counted = {
            str(table.rule.table): CopiedTable(
                rows=connection.execute(f"SELECT count(*) {table.selection}").fetchone()[0],
                view=table.view,
            )
            for table in tables
        }
        connection.execute("COMMIT")
    return Copied(tuple(f"{statement};" for statement in statements), counted, keys)


def _statements(table: SourceTable, keys: list[str]) -> list[str]:
    bare = table.rule.table.name
    target = name("main", bare)
    columns = ", ".join(f"{name(column)} {kind}" for column, kind in table.types.items())
    real = names(table.columns.values())
    indexes = [f"CREATE INDEX {name('main', f'{bare}/{column}')} ON {name(bare)} ({name(column)})" for column in keys]
    return [
        f"CREATE TABLE {target} ({columns})",
        f"INSERT INTO {target} SELECT {real} {table.selection}",
        *indexes,
    ]


@contextmanager
def _opened(source: Path, target: Path | None) -> Iterator[sqlite3.Connection]:
    """The copy as ``main`` with the source beside it, read-only, in one transaction: the source at one time."""
    with closing(sqlite3.connect(target or ":memory:", uri=True, isolation_level=None)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        try:
            # Two files can be open together only in one encoding, and the first one's is settled here.
            connection.execute(f"PRAGMA main.encoding = '{_encoding(source)}'")
            connection.execute("PRAGMA main.journal_mode = OFF")
            connection.execute("PRAGMA main.synchronous = OFF")
            connection.execute(f"ATTACH ? AS {SCHEMA}", [f"{source.resolve().as_uri()}?mode=ro"])
            connection.execute("BEGIN")
            yield connection
        except sqlite3.Error as error:
            raise _translated(error, source) from None


def _encoding(source: Path) -> str:
    with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return str(connection.execute("PRAGMA encoding").fetchone()[0])


def _translated(error: sqlite3.Error, source: Path) -> ProjectError | DatabaseUnavailable | StorageError:
    code = getattr(error, "sqlite_errorname", "")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DatabaseUnavailable("another process is writing to it.", element=str(source), remedy="Try again.")
    if code.startswith("SQLITE_FULL"):
        return StorageError("cannot be copied (no space left).", element=str(source), remedy="Free some disk space.")
    return ProjectError(f"cannot be copied ({error}).", element=str(source), remedy="Mend the file or the declaration.")
