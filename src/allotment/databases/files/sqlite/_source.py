"""Looks at the tables of a SQLite source that an account may read: their columns, keys, and what they really hold.

A column of SQLite may hold values of any type, whatever it was declared as, and knows no dates. What the copy calls
its type is what the account's own rows hold, so a type tells nothing of other rows.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from allotment.databases._declared import Rule
from allotment.databases.files._manifest import CopiedKey
from allotment.databases.files._quote import condition, name
from allotment.errors import ProjectError

SCHEMA = "source"
"""Name the source is attached under."""


@dataclass(frozen=True)
class SourceTable:
    """A table, view or virtual table of the source, and what a rule takes of it."""

    rule: Rule
    real: str
    """Its name as the source writes it."""
    view: bool
    columns: dict[str, str]
    """Declared column → its name as the source writes it."""
    known: dict[str, str]
    """Every column of the source table, as the source writes it → its declared type."""
    types: dict[str, str]
    """Declared column → type of the copy's column."""

    @property
    def selection(self) -> str:
        """Everything after SELECT that takes the account's rows."""
        filters = [
            condition(name(_match(self.known, column, self.rule)), values, " COLLATE BINARY")
            for column, values in self.rule.grant.rows.items()
        ]
        return f"FROM {name(SCHEMA, self.real)}" + (f" WHERE {' AND '.join(filters)}" if filters else "")


def look_at(connection: sqlite3.Connection, rule: Rule) -> SourceTable:
    """The table of a rule.

    Raises:
        ProjectError: it, or a column of it, is not there.
    """
    if rule.table.schema != "public":
        raise ProjectError(
            "SQLite has no schemas.", element=f"accounts.{rule.account}.tables.{rule.table}", remedy="Name it plainly."
        )
    listed = connection.execute(
        f"SELECT name, type FROM {SCHEMA}.sqlite_master WHERE type IN ('table', 'view') AND name = ? COLLATE NOCASE",  # noqa: S608
        [rule.table.name],
    ).fetchone()
    if listed is None or str(listed[0]).startswith("sqlite_"):
        raise _missing(rule, f"there is no table {rule.table.name!r}")
    real, kind = listed
    rows = connection.execute(f"PRAGMA {SCHEMA}.table_xinfo({name(real)})").fetchall()
    known = {str(row[1]): str(row[2]) for row in rows}
    columns = {column: _match(known, column, rule) for column in rule.grant.columns}
    table = SourceTable(rule, real, kind == "view", columns, known, {})
    types = {column: _type(connection, table, real_column) for column, real_column in columns.items()}
    return replace(table, types=types)


def keys_of(connection: sqlite3.Connection, tables: list[SourceTable]) -> tuple[CopiedKey, ...]:
    """Foreign keys of one column between columns the account may read."""
    found: list[CopiedKey] = []
    for table in tables:
        rows = connection.execute(f"PRAGMA {SCHEMA}.foreign_key_list({name(table.real)})").fetchall()
        single = [row for row in rows if sum(other[0] == row[0] for other in rows) == 1]
        for _, _, far_real, near, far, *_ in single:
            found += [
                CopiedKey(
                    table=str(table.rule.table),
                    column=column,
                    far_table=str(other.rule.table),
                    far_column=far_column,
                )
                for other in tables
                if other.real.casefold() == str(far_real).casefold()
                for column in _declared(table, near)
                for far_column in _declared(other, far or _primary_key(connection, other))
            ]
    return tuple(found)


def indexed(connection: sqlite3.Connection, table: SourceTable, keys: tuple[CopiedKey, ...]) -> list[str]:
    """Declared columns by which rows are looked up and joined: the primary key, and both ends of foreign keys."""
    mine = str(table.rule.table)
    ends = {key.column for key in keys if key.table == mine} | {key.far_column for key in keys if key.far_table == mine}
    return sorted(ends.union(_declared(table, _primary_key(connection, table))))


def _primary_key(connection: sqlite3.Connection, table: SourceTable) -> str:
    rows = connection.execute(f"PRAGMA {SCHEMA}.table_xinfo({name(table.real)})").fetchall()
    parts = [str(row[1]) for row in rows if row[5]]
    return parts[0] if len(parts) == 1 else ""


def _declared(table: SourceTable, real: str) -> list[str]:
    return [column for column, source in table.columns.items() if source.casefold() == real.casefold()]


def _match(known: dict[str, str], column: str, rule: Rule) -> str:
    for real in known:
        if real.casefold() == column.casefold():
            return real
    raise _missing(rule, f"the table {rule.table.name!r} has no column {column!r}")


def _missing(rule: Rule, message: str) -> ProjectError:
    element = f"accounts.{rule.account}.tables.{rule.table.name}"
    return ProjectError(f"{message} in the file.", element=element, remedy="Mend the name.")


_HOLDS = """SELECT max(typeof({0}) = 'integer'), max(typeof({0}) = 'real'), max(typeof({0}) = 'text'),
  max(typeof({0}) = 'blob'), min({0} IN (0, 1)), min({0} IS date({0})), min({0} IS datetime({0})) {1} {2} {0} NOTNULL"""


def _type(connection: sqlite3.Connection, table: SourceTable, column: str) -> str:
    selection = table.selection
    query = _HOLDS.format(name(column), selection, "AND" if " WHERE " in selection else "WHERE")
    integer, real, text, blob, truth, day, moment = connection.execute(query).fetchone()
    declared = table.known[column].upper()
    held = {kind for kind, there in (("i", integer), ("r", real), ("t", text), ("b", blob)) if there}
    if not held:
        return _of_declared(declared)
    if held == {"i"}:
        return "BOOLEAN" if truth and "BOOL" in declared else "INTEGER"
    if held == {"t"}:
        return "DATE" if day else "TIMESTAMP" if moment else "TEXT"
    if held <= {"i", "r"}:
        return "NUMERIC" if "DEC" in declared or "NUM" in declared else "REAL"
    return "BLOB" if held == {"b"} else "MIXED BLOB"


def _of_declared(declared: str) -> str:
    """Type of a column without values, by SQLite's own rules and the names of its dates."""
    for marks, kind in (
        (("INT",), "INTEGER"),
        (("CHAR", "CLOB", "TEXT"), "TEXT"),
        (("BLOB",), "BLOB"),
        (("REAL", "FLOA", "DOUB"), "REAL"),
        (("BOOL",), "BOOLEAN"),
        (("TIME",), "TIMESTAMP"),
        (("DATE",), "DATE"),
    ):
        if any(mark in declared for mark in marks):
            return kind
    return "NUMERIC" if declared else "TEXT"
