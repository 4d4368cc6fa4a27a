"""What a SQLite copy holds, for a model that writes SQL. SQLite keeps no comments."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from allotment.databases._card import ColumnCard, SchemaCard, TableCard
from allotment.databases._declared import Rule, Table
from allotment.databases.files._card import keys_of, shown_values, values_query
from allotment.databases.files._manifest import Manifest
from allotment.databases.files._quote import name

_SHORT_TYPES = {"REAL": "float", "BLOB": "bytes", "MIXED BLOB": "any"}


def describe(copy: Path, manifest: Manifest, rules: Sequence[Rule]) -> SchemaCard:
    """The card of an account's copy."""
    with closing(sqlite3.connect(f"{copy.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        tables = tuple(TableCard(rule.table, _columns(connection, rule.table)) for rule in rules)
    return SchemaCard(tables, keys_of(manifest))


def _columns(connection: sqlite3.Connection, table: Table) -> tuple[ColumnCard, ...]:
    rows = connection.execute(f"PRAGMA table_info({name(table.name)})").fetchall()
    return tuple(
        ColumnCard(
            column,
            _SHORT_TYPES.get(kind, kind.lower()),
            values=shown_values(connection.execute(values_query(column, name(table.name)))) if kind == "TEXT" else (),
        )
        for _, column, kind, *_ in rows
    )
