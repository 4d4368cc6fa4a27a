"""What an account sees, as compact text for a small model that writes SQL.

Names, types and keys come from the catalog, cut down to the declared columns; sample values come through the
account's own login, so a row it may not see never shows.
"""

from __future__ import annotations

from typing import Any

from psycopg import Connection, sql

from allotment.databases._declared import Table, table_of
from allotment.project import AccountConfig, TableGrant

Reader = Connection[tuple[Any, ...]]
_SAMPLES = 12
"""A text column with at most this many values shows them."""
_LONGEST_SAMPLE = 24

_TYPES = """SELECT a.attname::text, format_type(a.atttypid, NULL) FROM pg_attribute a
    WHERE a.attrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND a.attnum > 0 AND NOT a.attisdropped"""

_KEYS = """SELECT n.nspname::text, c.relname::text, a.attname::text, fn.nspname::text, f.relname::text, fa.attname::text
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class f ON f.oid = k.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
    JOIN pg_attribute fa ON fa.attrelid = f.oid AND fa.attnum = k.confkey[1]
    WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 ORDER BY 1, 2, 3"""

_SHORT_TYPES = {
    "character varying": "text",
    "character": "text",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "double precision": "float",
    "smallint": "integer",
}


def schema_card(admin: Reader, reader: Reader, account: AccountConfig) -> str:
    """One line per table, the keys between visible tables, and the values of text columns that have few."""
    lines: list[str] = []
    values: list[str] = []
    for name, grant in account.tables.items():
        table = table_of(name)
        types: dict[str, str] = dict(admin.execute(_TYPES, [table.schema, table.name]).fetchall())
        listed = ", ".join(f"{column} {_short(types.get(column, 'text'))}" for column in grant.columns)
        lines.append(f"{_plain(table)}({listed})")
        texts = [column for column in grant.columns if _short(types.get(column, "")) == "text"]
        values += _samples(reader, table, texts)
    return "\n".join([*lines, *_keys(admin, account), *values])


def _keys(admin: Reader, account: AccountConfig) -> list[str]:
    grants: dict[Table, TableGrant] = {table_of(name): grant for name, grant in account.tables.items()}
    found: list[str] = []
    for schema, name, column, far_schema, far_name, far_column in admin.execute(_KEYS).fetchall():
        near, far = Table(schema, name), Table(far_schema, far_name)
        if near in grants and far in grants and column in grants[near].columns and far_column in grants[far].columns:
            found.append(f"{_plain(near)}.{column} = {_plain(far)}.{far_column}")
    return found


def _samples(reader: Reader, table: Table, columns: list[str]) -> list[str]:
    found: list[str] = []
    for column in columns:
        query = sql.SQL("SELECT DISTINCT {0} FROM {1} WHERE {0} IS NOT NULL ORDER BY 1 LIMIT {2}").format(
            sql.Identifier(column), table.identifier, sql.Literal(_SAMPLES + 1)
        )
        values = [str(row[0]) for row in reader.execute(query).fetchall()]
        if 0 < len(values) <= _SAMPLES and all(len(value) <= _LONGEST_SAMPLE for value in values):
            found.append(f"{_plain(table)}.{column}: {', '.join(repr(value) for value in values)}")
    return found


def _short(name: str) -> str:
    return _SHORT_TYPES.get(name, name)


def _plain(table: Table) -> str:
    return table.name if table.schema == "public" else str(table)
