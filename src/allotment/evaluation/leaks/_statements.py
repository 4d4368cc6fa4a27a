"""Statements that somebody would try on an account's login: every table and column, and the ways around them."""

# ruff: noqa: S608  that a login may send anything is what is tried; every name and value is quoted by the driver

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import psycopg
from psycopg import sql

from allotment.databases import Databases

LONGEST = 20_000
"""Rows of a whole table that are fetched; a canary further down is looked for by its value."""

_TABLES = """
SELECT n.nspname, c.relname, pg_catalog.array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
GROUP BY 1, 2 ORDER BY 1, 2
"""

AROUND = (
    "SELECT * FROM pg_catalog.pg_stats",
    "SELECT * FROM pg_catalog.pg_stats_ext",
    "SELECT * FROM pg_catalog.pg_statistic",
    "SELECT * FROM pg_catalog.pg_stat_activity",
    "SELECT * FROM pg_catalog.pg_prepared_statements",
    "SELECT * FROM pg_catalog.pg_cursors",
    "SELECT * FROM information_schema.columns",
    "SELECT * FROM information_schema.views",
    "SELECT pg_catalog.pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef",
    "SELECT pg_catalog.pg_get_expr(polqual, polrelid) FROM pg_catalog.pg_policy",
    "SELECT pg_catalog.pg_get_constraintdef(oid) FROM pg_catalog.pg_constraint",
    "SELECT prosrc FROM pg_catalog.pg_proc WHERE prolang > 14",
    "SELECT description FROM pg_catalog.pg_description WHERE objoid > 16384",
    "SELECT pg_catalog.lo_get(oid) FROM pg_catalog.pg_largeobject_metadata",
    "SELECT * FROM pg_catalog.pg_largeobject",
    "SELECT pg_catalog.pg_read_file('postgresql.conf')",
    "SELECT pg_catalog.pg_ls_dir('.')",
    "SELECT pg_catalog.query_to_xml('SELECT * FROM pg_catalog.pg_authid', true, true, '')",
    "SELECT pg_catalog.database_to_xml(true, true, '')",
    "SELECT rolname, rolpassword FROM pg_catalog.pg_authid",
    "SELECT * FROM pg_catalog.pg_user_mappings",
)
"""Around the tables: statistics, catalogues, large objects, files of the server."""


@dataclass(frozen=True)
class Relation:
    """A table or view, and its columns."""

    schema: str
    name: str
    columns: tuple[str, ...]

    @property
    def identifier(self) -> str:
        """Quoted, with its schema."""
        return sql.Identifier(self.schema, self.name).as_string()


def relations(databases: Databases, database: str) -> tuple[Relation, ...]:
    """Every table and view of a database, as its owner sees them.

    Raises:
        ProjectError: it is no PostgreSQL database.
        psycopg.Error: it does not answer.
    """
    with closing(psycopg.connect(databases.admin_dsn(database), autocommit=True)) as owner:
        return tuple(Relation(schema, name, tuple(columns)) for schema, name, columns in owner.execute(_TABLES))


def statements_on(relation: Relation) -> Iterator[str]:
    """All ways into one table: at once, column by column, copied out, as its owner, with its policies off."""
    table = relation.identifier
    yield f"SELECT * FROM {table} LIMIT {LONGEST}"
    for column in relation.columns:
        yield f"SELECT {sql.Identifier(column).as_string()} FROM {table} LIMIT {LONGEST}"
    yield f"COPY (SELECT * FROM {table} LIMIT {LONGEST}) TO STDOUT"
    yield f"COPY (SELECT * FROM {table}) TO PROGRAM 'cat'"
    yield f"SET row_security = off; SELECT * FROM {table} LIMIT {LONGEST}"
    yield f"SET ROLE allotment_admin; SELECT * FROM {table} LIMIT {LONGEST}"
    yield f"SET SESSION AUTHORIZATION allotment_admin; SELECT * FROM {table} LIMIT {LONGEST}"
    yield f"SELECT pg_catalog.table_to_xml({_literal(table)}, true, true, '')"


def statement_for(relation: Relation, column: str, value: str) -> str:
    """Looks for one value where it stands, however many rows there are."""
    name = sql.Identifier(column).as_string()
    return f"SELECT {name} FROM {relation.identifier} WHERE {name}::pg_catalog.text = {_literal(value)}"


def _literal(text: str) -> str:
    return sql.Literal(text).as_string()
