"""What an account sees: names, types, comments and keys from the catalog, cut down to the declared columns; sample
values through the account's own login, so a row it may not see never shows.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection, sql

from allotment.databases._card import ColumnCard, Key, SchemaCard, TableCard
from allotment.databases._declared import Table, table_of
from allotment.project import AccountConfig, TableGrant

Reader = Connection[tuple[Any, ...]]
MOST_VALUES = 12
"""A text column with at most this many values shows them."""
LONGEST_VALUE = 24
FIRST_ROWS = 20_000
"""Rows of a table that are looked through for values: a card must not cost more the larger a table is."""
MOST_TABLES = 60
"""With more tables no values are looked for; what a question is about is looked up instead."""

_COLUMNS = """SELECT a.attname::text, format_type(a.atttypid, NULL),
      coalesce(col_description(a.attrelid, a.attnum), ''), coalesce(obj_description(a.attrelid, 'pg_class'), '')
    FROM pg_attribute a
    WHERE a.attrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND a.attnum > 0 AND NOT a.attisdropped"""

_KEYS = """SELECT n.nspname::text, c.relname::text, a.attname::text, fn.nspname::text, f.relname::text, fa.attname::text
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
    JOIN pg_attribute fa ON fa.attrelid = f.oid AND fa.attnum = k.confkey[1]
    WHERE k.contype = 'f' AND cardinality(k.conkey) = 1
      AND (n.nspname::text, c.relname::text) IN (SELECT * FROM unnest(%(schemas)s::text[], %(names)s::text[]))
    ORDER BY 1, 2, 3"""

_SHORT_TYPES = {
    "character varying": "text",
    "character": "text",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "double precision": "float",
    "smallint": "integer",
}


def describe(admin: Reader, reader: Reader, account: AccountConfig) -> SchemaCard:
    """The card of an account; ``reader`` is the account's own login, in a transaction that knows its user."""
    looked_in = reader if len(account.tables) <= MOST_TABLES else None
    tables = tuple(_table(admin, looked_in, table_of(name), grant) for name, grant in account.tables.items())
    return SchemaCard(tables, tuple(_keys(admin, account)))


def _table(admin: Reader, reader: Reader | None, table: Table, grant: TableGrant) -> TableCard:
    rows = admin.execute(_COLUMNS, [table.schema, table.name]).fetchall()
    known: dict[str, tuple[str, str]] = {
        name: (_SHORT_TYPES.get(str(kind), str(kind)), str(comment)) for name, kind, comment, _ in rows
    }
    columns = []
    for name in grant.columns:
        kind, comment = known.get(name, ("text", ""))
        values = _values(reader, table, name) if reader is not None and kind == "text" else ()
        columns.append(ColumnCard(name, kind, comment, values))
    return TableCard(table, tuple(columns), rows[0][3] if rows else "")


def _keys(admin: Reader, account: AccountConfig) -> list[Key]:
    grants: dict[Table, TableGrant] = {table_of(name): grant for name, grant in account.tables.items()}
    found: list[Key] = []
    near_names = {"schemas": [table.schema for table in grants], "names": [table.name for table in grants]}
    for schema, name, column, far_schema, far_name, far_column in admin.execute(_KEYS, near_names).fetchall():
        near, far = Table(schema, name), Table(far_schema, far_name)
        if near in grants and far in grants and column in grants[near].columns and far_column in grants[far].columns:
            found.append(Key(near, column, far, far_column))
    return found


def _values(reader: Reader, table: Table, column: str) -> tuple[str, ...]:
    query = sql.SQL(
        "SELECT DISTINCT {0} FROM (SELECT {0} FROM {1} LIMIT {2}) AS first WHERE {0} IS NOT NULL ORDER BY 1 LIMIT {3}"
    ).format(sql.Identifier(column), table.identifier, sql.Literal(FIRST_ROWS), sql.Literal(MOST_VALUES + 1))
    values = [str(row[0]) for row in reader.execute(query).fetchall()]
    short = len(values) <= MOST_VALUES and all(len(value) <= LONGEST_VALUE for value in values)
    return tuple(values) if short else ()
