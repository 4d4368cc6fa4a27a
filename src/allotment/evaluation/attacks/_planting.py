"""Planted documents and rows, put into the copy. What cannot be planted is told, and the rest goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from allotment.databases import Databases
from allotment.evaluation.attacks._plants import PlantedDocument, PlantedRow
from allotment.project import Project
from allotment.workspace import write_atomic


def plant_documents(project: Project, documents: Sequence[PlantedDocument]) -> Iterator[str]:
    """Write them into their sets' folders; a sentence for each that cannot be."""
    for document in documents:
        folder = project.root / project.documents[document.document_set].path
        target = folder / Path(document.name).name
        if not folder.is_dir() or target.exists():
            yield f"The document {document.id!r} could not be planted into {document.document_set!r}."
            continue
        write_atomic(target, document.text)


def plant_rows(project: Project, databases: Databases, rows: Sequence[PlantedRow]) -> Iterator[str]:
    """Insert those for PostgreSQL, each by itself; a sentence for each that the table does not take."""
    for row in rows:
        config = project.databases.get(row.database)
        if config is None or config.load is None:
            continue
        try:
            with psycopg.connect(databases.admin_dsn(row.database)) as connection:
                connection.execute(_insert(row), list(row.values.values()))
        except psycopg.Error as error:
            yield _untaken(row, error.diag.message_primary or type(error).__name__)


def plant_file_rows(project: Project, rows: Sequence[PlantedRow]) -> Iterator[str]:
    """Insert those for files, into the copies of these; accounts get theirs from them when they are provisioned."""
    for row in rows:
        config = project.databases.get(row.database)
        if config is None or config.file is None:
            continue
        try:
            _insert_into(project.root / config.file, row)
        except Exception as error:  # two drivers, each with its own errors
            yield _untaken(row, str(error))


def _insert(row: PlantedRow) -> sql.Composed:
    table = sql.SQL(".").join(map(sql.Identifier, row.table.split(".")))
    columns = sql.SQL(", ").join(map(sql.Identifier, row.values))
    places = sql.SQL(", ").join(sql.Placeholder() * len(row.values))
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(table, columns, places)


def _insert_into(file: Path, row: PlantedRow) -> None:
    places = ", ".join("?" * len(row.values))
    columns = ", ".join(map(_quoted, row.values))
    table = ".".join(map(_quoted, row.table.split(".")))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 names are quoted, values bound
    values = list(row.values.values())
    if file.read_bytes()[:15] == b"SQLite format 3":
        with sqlite3.connect(file) as connection:
            connection.execute(statement, values)
        connection.close()
        return
    import duckdb  # heavy, and of use only here

    with duckdb.connect(str(file)) as duck:
        duck.execute(statement, values)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _untaken(row: PlantedRow, why: str) -> str:
    return f"The row {row.id!r} could not be planted into {row.database}.{row.table}: {why.strip()}."
