"""What a DuckDB copy holds, for a model that writes SQL, with the owner's comments."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from allotment.databases._card import ColumnCard, SchemaCard, TableCard
from allotment.databases._declared import Rule, Table
from allotment.databases.files._card import keys_of, shown_values, values_query
from allotment.databases.files._manifest import Manifest
from allotment.databases.files._quote import name
from allotment.databases.files.duckdb._connect import reading

_SHORT_TYPES = {
    "VARCHAR": "text",
    "DOUBLE": "float",
    "FLOAT": "float",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    "BLOB": "bytes",
}
_TIMEOUT_S = 30.0
_COLUMNS = """SELECT column_name, data_type, coalesce(comment, '') FROM duckdb_columns()
  WHERE schema_name = ? AND table_name = ? ORDER BY column_index"""
_COMMENT = "SELECT coalesce(comment, '') FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?"


def describe(copy: Path, manifest: Manifest, rules: Sequence[Rule]) -> SchemaCard:
    """The card of an account's copy."""
    with reading(copy, account=rules[0].account, timeout_s=_TIMEOUT_S) as connection:
        tables = tuple(_table(connection, rule.table) for rule in rules)
    return SchemaCard(tables, keys_of(manifest))


def _table(connection: duckdb.DuckDBPyConnection, table: Table) -> TableCard:
    path = [table.schema, table.name]
    comment = connection.execute(_COMMENT, path).fetchone()
    columns = tuple(
        ColumnCard(column, _short(kind), said, _values(connection, table, column) if kind == "VARCHAR" else ())
        for column, kind, said in connection.execute(_COLUMNS, path).fetchall()
    )
    return TableCard(table, columns, comment[0] if comment else "")


def _short(kind: str) -> str:
    if kind.startswith("DECIMAL"):
        return "numeric"
    return _SHORT_TYPES.get(kind, "integer" if kind.endswith("INT") else kind.lower())


def _values(connection: duckdb.DuckDBPyConnection, table: Table, column: str) -> tuple[str, ...]:
    return shown_values(connection.execute(values_query(column, name(table.schema, table.name))).fetchall())
