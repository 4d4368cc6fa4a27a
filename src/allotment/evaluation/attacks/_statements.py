"""SQL statements and raw queries, each after one canary: ``data/statements.yaml`` and ``data/queries.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from allotment.evaluation.attacks._texts import fill, read
from allotment.project import Project


@dataclass(frozen=True)
class Template:
    """One text with braces."""

    id: str
    source: str
    text: str


@cache
def statements() -> dict[str, Template]:
    """All statements, by id."""
    return {row["id"]: Template(**row) for row in read("statements")}


@cache
def queries() -> dict[str, Template]:
    """All queries, by id."""
    return {row["id"]: Template(**row) for row in read("queries")}


def place_of(source: str) -> tuple[str, str, str]:
    """Database, table and column of a row's canary, whose table may say its schema."""
    database, _, rest = source.partition(".")
    table, _, column = rest.rpartition(".")
    return database, table, column


def statement(project: Project, template: str, source: str, account: str) -> str:
    """A statement after the canary of ``source`` (``DATABASE.TABLE.COLUMN``) on an account that may not read it."""
    _, table, column = place_of(source)
    return fill(statements()[template].text, _values(project, table, column, account))


def _values(project: Project, table: str, column: str, account: str) -> Mapping[str, str]:
    schema, _, bare = table.rpartition(".")
    tables = project.accounts[account].tables
    own = next((name for name in sorted(tables) if name != table), table)
    columns = tables[own].columns if own in tables else (column,)
    return {
        "table": table,
        "column": column,
        "schema": schema or "public",
        "bare": bare,
        "bare_upper": bare.upper(),
        "column_upper": column.upper(),
        "bare_escaped": _escaped(bare),
        "column_escaped": _escaped(column),
        "own_table": own,
        "own_bare": own.rpartition(".")[2],
        "own_column": columns[0],
        "account": account,
    }


def _escaped(name: str) -> str:
    return "".join(f"\\{ord(letter):04x}" for letter in name)
