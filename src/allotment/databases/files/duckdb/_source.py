"""Looks at the tables of a DuckDB source that an account may read: names, types, comments, keys."""

from __future__ import annotations

import re
from dataclasses import dataclass

import duckdb

from allotment.databases._declared import Rule
from allotment.databases.files._manifest import CopiedKey
from allotment.databases.files._quote import condition, name
from allotment.databases.files.duckdb._connect import SOURCE
from allotment.errors import ProjectError

_PLAIN = re.compile(
    r"(BOOLEAN|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|VARCHAR|UUID|BLOB|DATE|TIME"
    r"|TIMESTAMP|TIMESTAMP WITH TIME ZONE|INTERVAL)\Z"
)
"""Types that say nothing of the values. An ENUM lists its values, also those of rows an account may not see."""


@dataclass(frozen=True)
class SourceColumn:
    """A column as the source has it."""

    real: str
    type: str
    comment: str

    @property
    def selected(self) -> str:
        """How it is taken; what is no plain type comes as text."""
        return name(self.real) if _PLAIN.match(self.type) else f"CAST({name(self.real)} AS VARCHAR)"


@dataclass(frozen=True)
class SourceTable:
    """A table or view of the source, and what a rule takes of it."""

    rule: Rule
    path: tuple[str, str]
    """Its schema and name as the source writes them."""
    view: bool
    comment: str
    columns: dict[str, SourceColumn]
    """Declared column → the source's."""
    filters: dict[str, SourceColumn]
    """Column of a row filter → the source's."""

    @property
    def selection(self) -> str:
        """Everything after SELECT that takes the account's rows."""
        rows = self.rule.grant.rows
        filters = [
            condition(name(column.real), rows[key], ' COLLATE "C"' if column.type == "VARCHAR" else "")
            for key, column in self.filters.items()
        ]
        return f"FROM {name(SOURCE, *self.path)}" + (f" WHERE {' AND '.join(filters)}" if filters else "")


_TABLES = """SELECT schema_name, table_name, false, comment FROM duckdb_tables() WHERE database_name = ?
  UNION ALL SELECT schema_name, view_name, true, comment FROM duckdb_views() WHERE database_name = ? AND NOT internal"""
_COLUMNS = """SELECT column_name, data_type, comment FROM duckdb_columns()
  WHERE database_name = ? AND schema_name = ? AND table_name = ? ORDER BY column_index"""
_KEYS = """SELECT schema_name, table_name, constraint_column_names, referenced_table, referenced_column_names
  FROM duckdb_constraints() WHERE database_name = ? AND constraint_type = 'FOREIGN KEY'"""


def look_at(connection: duckdb.DuckDBPyConnection, rule: Rule) -> SourceTable:
    """The table of a rule.

    Raises:
        ProjectError: it, or a column of it, is not there, or its name means two tables.
    """
    # What PostgreSQL calls public is called main here, if nothing else was made.
    schemas = {"main", "public"} if rule.table.schema == "public" else {rule.table.schema.casefold()}
    rows = connection.execute(_TABLES, [SOURCE, SOURCE]).fetchall()
    found = [row for row in rows if row[1].casefold() == rule.table.name.casefold() and row[0].casefold() in schemas]
    if len(found) != 1:
        message = "is there in two schemas, main and public" if found else f"there is no table {rule.table.name!r}"
        raise _misfit(rule, message)
    schema, real, view, comment = found[0]
    known = {
        row[0].casefold(): SourceColumn(row[0], row[1], row[2] or "")
        for row in connection.execute(_COLUMNS, [SOURCE, schema, real]).fetchall()
    }
    for column in (*rule.grant.columns, *rule.grant.rows):
        if column.casefold() not in known:
            raise _misfit(rule, f"the table {rule.table.name!r} has no column {column!r}")
    columns = {column: known[column.casefold()] for column in rule.grant.columns}
    filters = {column: known[column.casefold()] for column in rule.grant.rows}
    return SourceTable(rule, (schema, real), view, comment or "", columns, filters)


def keys_of(connection: duckdb.DuckDBPyConnection, tables: list[SourceTable]) -> tuple[CopiedKey, ...]:
    """Foreign keys of one column between columns the account may read."""
    return tuple(
        CopiedKey(table=str(near.rule.table), column=column, far_table=str(far.rule.table), far_column=far_column)
        for schema, real, columns, far_real, far_columns in connection.execute(_KEYS, [SOURCE]).fetchall()
        if len(columns) == 1
        for near in tables
        if near.path == (schema, real)
        for far in tables
        if far.path == (schema, far_real)
        for column in _declared(near, columns[0])
        for far_column in _declared(far, far_columns[0])
    )


def _declared(table: SourceTable, real: str) -> list[str]:
    return [column for column, source in table.columns.items() if source.real == real]


def _misfit(rule: Rule, message: str) -> ProjectError:
    element = f"accounts.{rule.account}.tables.{rule.table.name}"
    return ProjectError(f"{message} in the file.", element=element, remedy="Mend the name.")
