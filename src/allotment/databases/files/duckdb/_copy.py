"""Makes a DuckDB copy that holds the declared columns and the rows the filters let through, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from allotment.databases._declared import Rule
from allotment.databases.files._engine import Copied
from allotment.databases.files._manifest import CopiedTable
from allotment.databases.files._quote import literal, name
from allotment.databases.files.duckdb._connect import copying
from allotment.databases.files.duckdb._source import SourceTable, keys_of, look_at


def copy(source: Path, target: Path | None, rules: Sequence[Rule]) -> Copied:
    """Copy what the rules of one account name; without a target, only say what would be done.

    Raises:
        ProjectError: a table, column or row filter does not fit.
        DatabaseUnavailable: another process writes to the source.
        StorageError: the disk is full.
    """
    with copying(source, target) as connection:
        # One transaction: the source as it is at one time.
        connection.execute("BEGIN")
        tables = [look_at(connection, rule) for rule in rules]
        statements = [statement for table in tables for statement in _statements(table)]
        schemas = sorted({rule.table.schema for rule in rules} - {"main"})
        statements = [f"CREATE SCHEMA {name(schema)}" for schema in schemas] + statements
        if target is not None:
            for statement in statements:
                connection.execute(statement)
        counted = {
            str(table.rule.table): CopiedTable(rows=_count(connection, table), view=table.view) for table in tables
        }
        keys = keys_of(connection, tables)
        connection.execute("COMMIT")
    return Copied(tuple(f"{statement};" for statement in statements), counted, keys)


def _statements(table: SourceTable) -> list[str]:
    rule = table.rule
    target = name(rule.table.schema, rule.table.name)
    columns = ", ".join(f"{column.selected} AS {name(key)}" for key, column in table.columns.items())
    found = [f"CREATE TABLE {target} AS SELECT {columns} {table.selection}"]
    if table.comment:
        found.append(f"COMMENT ON TABLE {target} IS {literal(table.comment)}")
    for key, column in table.columns.items():
        if column.comment:
            found.append(f"COMMENT ON COLUMN {target}.{name(key)} IS {literal(column.comment)}")
    return found


def _count(connection: duckdb.DuckDBPyConnection, table: SourceTable) -> int:
    row = connection.execute(f"SELECT count(*) {table.selection}").fetchone()
    assert row is not None  # an aggregate gives one
    return int(row[0])
