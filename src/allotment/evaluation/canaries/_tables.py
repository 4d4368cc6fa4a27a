"""Cells of tables, with the roles that may know each: by the accounts' columns and row filters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from psycopg import sql

from allotment.databases import Databases, Table
from allotment.errors import DatabaseUnavailable
from allotment.project import Project, Scalar, TableGrant

MOST_ROWS = 20_000
"""A table with more is not looked at: its other rows might say the same."""
MOST_TABLES = 200
"""Tables of a database that no account reads; those that one reads are all looked at."""
_STATEMENT_S = 60
_KINDS = ("text", "varchar", "bpchar", "name", "citext", "int2", "int4", "int8", "numeric", "float4", "float8", "date",
          "timestamp", "timestamptz", "uuid")  # fmt: skip
_LIST = """SELECT n.nspname::text, c.relname::text,
      array(SELECT a.attname::text FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND t.typname = ANY(%s) ORDER BY a.attnum),
      coalesce((SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_index i
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
        WHERE i.indrelid = c.oid AND i.indisunique AND i.indpred IS NULL AND i.indisvalid
        GROUP BY i.indexrelid, i.indisprimary ORDER BY i.indisprimary DESC, i.indexrelid LIMIT 1), '{}')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm', 'f') AND NOT c.relispartition
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'allotment') AND n.nspname NOT LIKE 'pg\\_%%'
    ORDER BY 1, 2"""
Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class ReadTable:
    """A table, its cells as text, and who may know them."""

    database: str
    table: Table
    columns: tuple[str, ...]
    key: tuple[str, ...]
    """Columns that tell its rows apart; empty where there are none."""
    rows: tuple[tuple[str | None, ...], ...]
    readers: tuple[Mapping[str, frozenset[str]], ...]
    """For each row: column → roles."""
    fault: str = ""
    """Why it has no rows here; empty where all of them are."""

    @property
    def name(self) -> str:
        """``DATABASE.TABLE``."""
        return f"{self.database}.{self.table.name if self.table.schema == 'public' else self.table}"

    def texts(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Every row, in one piece for each set of readers."""
        for row, readers in zip(self.rows, self.readers, strict=True):
            pieces: dict[frozenset[str], list[str]] = defaultdict(list)
            for column, cell in zip(self.columns, row, strict=True):
                if cell is not None:
                    pieces[readers[column]].append(cell)
            yield from (("\n".join(cells), roles) for roles, cells in pieces.items())


def read_tables(project: Project, databases: Databases | None, seed: int) -> list[ReadTable]:
    """Every table of the project's PostgreSQL databases, read with the owner's rights and changed in nothing.

    Views are left out: an account sees in one no more than it may read of the tables below it.

    Raises:
        DatabaseUnavailable: a database does not answer.
    """
    if databases is None:
        return []
    names = [name for name, config in sorted(project.databases.items()) if config.file is None]
    return [table for name in names for table in _read_database(project, name, databases.admin_dsn(name))]


def _read_database(project: Project, name: str, dsn: str) -> list[ReadTable]:
    grants = _grants(project, name)
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            connection.read_only = True
            listed = _listed(connection, grants)
            return [_read_table(connection, name, *found, grants.get(found[0], [])) for found in listed]
    except psycopg.OperationalError as error:
        raise DatabaseUnavailable(
            f"does not answer ({str(error).splitlines()[0]}).",
            element=f"databases.{name}",
            remedy="Start it; `allotment database provision` makes those that the project loads.",
        ) from None


def _grants(project: Project, database: str) -> dict[Table, list[tuple[TableGrant, frozenset[str]]]]:
    """Table → what each account reads of it, with the roles of the agents that hold the account."""
    found: dict[Table, list[tuple[TableGrant, frozenset[str]]]] = defaultdict(list)
    for account, config in project.accounts.items():
        roles = [agent.roles for agent in project.agents.values() if agent.account == account]
        if config.database == database:
            for key, grant in config.tables.items():
                schema, _, bare = key.rpartition(".")
                found[Table(schema or "public", bare)].append((grant, frozenset[str]().union(*roles)))
    return found


def _listed(connection: Connection, grants: Mapping[Table, object]) -> list[tuple[Table, list[str], list[str]]]:
    rows = connection.execute(_LIST, [list(_KINDS)]).fetchall()
    tables = [(Table(schema, name), columns, key) for schema, name, columns, key in rows]
    wanted = [found for found in tables if found[0] in grants]
    others = [found for found in tables if found[0] not in grants]
    return [*wanted, *others[:MOST_TABLES]]


def _read_table(
    connection: Connection,
    database: str,
    table: Table,
    columns: list[str],
    key: list[str],
    grants: list[tuple[TableGrant, frozenset[str]]],
) -> ReadTable:
    named = tuple(columns)
    empty = ReadTable(database, table, named, tuple(key), (), ())
    if not columns:
        return replace(empty, fault="it has no columns of text, numbers or dates")
    try:
        with connection.transaction():
            connection.execute(f"SET LOCAL statement_timeout = '{_STATEMENT_S}s'")
            connection.execute("SET LOCAL row_security = off")
            connection.execute("SET LOCAL datestyle = 'ISO, YMD'")
            rows = connection.execute(_statement(table, named, grants)).fetchall()
    except psycopg.Error as error:
        if connection.closed:
            raise
        return replace(empty, fault=f"it cannot be read ({str(error).splitlines()[0]})")
    if len(rows) > MOST_ROWS:
        return replace(empty, fault=f"it has more than {MOST_ROWS:,} rows, which are not all compared")
    cells = tuple(tuple(None if cell is None else str(cell) for cell in row[: len(named)]) for row in rows)
    readers = _Readers(named, grants)
    return replace(empty, rows=cells, readers=tuple(readers.of(row[len(named) :]) for row in rows))


def _statement(table: Table, columns: tuple[str, ...], grants: list[tuple[TableGrant, frozenset[str]]]) -> sql.Composed:
    cells = [sql.SQL("{}::text").format(sql.Identifier(column)) for column in columns]
    filters = [sql.SQL("({}) IS TRUE").format(_condition(grant)) for grant, _ in grants]
    return sql.SQL("SELECT {} FROM {} ORDER BY 1, 2 LIMIT {}").format(
        sql.SQL(", ").join([*cells, *filters, *([sql.SQL("true")] if len(cells) + len(filters) < 2 else [])]),
        table.identifier,
        sql.Literal(MOST_ROWS + 1),
    )


def _condition(grant: TableGrant) -> sql.Composable:
    """The row filter. One by a claim counts as open: somebody of the role may have the claim."""
    parts = [_one(column, value) for column, value in grant.rows.items() if column not in grant.claims]
    return sql.SQL(" AND ").join(parts) if parts else sql.SQL("true")


def _one(column: str, value: Scalar | tuple[Scalar, ...]) -> sql.Composable:
    values = value if isinstance(value, tuple) else (value,)
    listed = sql.SQL(", ").join(map(sql.Literal, values))
    return sql.SQL("{} IN ({})").format(sql.Identifier(column), listed) if values else sql.SQL("false")


class _Readers:
    """Column → roles, for each combination of accounts that read a row."""

    def __init__(self, columns: tuple[str, ...], grants: list[tuple[TableGrant, frozenset[str]]]) -> None:
        self._columns = columns
        self._grants = grants
        self._known: dict[tuple[object, ...], dict[str, frozenset[str]]] = {}

    def of(self, reads: tuple[object, ...]) -> dict[str, frozenset[str]]:
        if reads not in self._known:
            pairs = [grant for grant, may in zip(self._grants, reads, strict=False) if may]
            self._known[reads] = {
                column: frozenset[str]().union(*(roles for grant, roles in pairs if column in grant.columns))
                for column in self._columns
            }
        return self._known[reads]
