"""The tables of the sections' own database. All that is in them can be made again, so another version starts anew."""

from __future__ import annotations

from typing import Any

from psycopg import Connection, sql

from allotment.databases._declared import ADMIN_ROLE
from allotment.databases.postgres._connect import connect
from allotment.databases.postgres._load import exists
from allotment.databases.postgres._server import EmbeddedServer

DATABASE = "allotment_sections"
_VERSION = "allotment sections, version 1"

_TABLES = """
CREATE SCHEMA vector;
CREATE EXTENSION vector SCHEMA vector;
CREATE TABLE public.section (
    key bigint PRIMARY KEY,
    id text NOT NULL,
    document text NOT NULL,
    heading text NOT NULL,
    body text NOT NULL,
    configuration text NOT NULL,
    readers text COLLATE "C" NOT NULL CHECK (readers ~ '^(/[a-z][a-z0-9_-]*)+/$'),
    source text NOT NULL,
    words integer NOT NULL,
    embedding vector.vector,
    UNIQUE (key, readers)
);
CREATE TABLE public.posting (
    readers text COLLATE "C" NOT NULL,
    word text COLLATE "C" NOT NULL,
    section bigint NOT NULL,
    frequency real NOT NULL,
    words integer NOT NULL,
    PRIMARY KEY (readers, word, section),
    FOREIGN KEY (section, readers) REFERENCES public.section (key, readers) ON DELETE CASCADE
);
CREATE INDEX ON public.posting (section);
CREATE TABLE public.reader_set (
    readers text COLLATE "C" NOT NULL,
    configuration text NOT NULL,
    sections integer NOT NULL,
    words bigint NOT NULL,
    digest text NOT NULL,
    PRIMARY KEY (readers, configuration)
);
DO $statistics$
DECLARE one record;
BEGIN
  FOR one IN SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relname IN ('section', 'posting', 'reader_set') AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0
  LOOP
    EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I SET STATISTICS 0', one.relname, one.attname);
  END LOOP;
END $statistics$;
"""
# A key is a part of the id's hash, for a serial number would count hidden sections. A posting's readers are its
# section's, kept so by the foreign key, and lead its index. There are no statistics of any column: what the planner
# estimates would tell an account which words hidden sections have.


def is_there(server: EmbeddedServer) -> bool:
    """Whether the server has the sections' database, with its tables in this version."""
    with connect(server.dsn(user=ADMIN_ROLE, database="postgres"), element=DATABASE, autocommit=True) as admin:
        if not exists(admin, DATABASE):
            return False
    with open_database(server) as admin:
        return _is_made(admin)


def open_database(server: EmbeddedServer) -> Connection[tuple[Any, ...]]:
    """The owner's connection to the sections' database; the caller closes it."""
    return connect(server.dsn(user=ADMIN_ROLE, database=DATABASE), element=DATABASE, autocommit=True)


def ensure_tables(server: EmbeddedServer) -> None:
    """Make the database and its tables unless they are there in this version."""
    with connect(server.dsn(user=ADMIN_ROLE, database="postgres"), element=DATABASE, autocommit=True) as admin:
        if not exists(admin, DATABASE):
            name = sql.Identifier(DATABASE)
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
            admin.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name))
    with open_database(server) as admin, admin.transaction():
        if _is_made(admin):
            return
        admin.execute("DROP SCHEMA IF EXISTS vector CASCADE")
        admin.execute("DROP TABLE IF EXISTS public.posting, public.section, public.reader_set")
        admin.execute(_TABLES)
        admin.execute(sql.SQL("COMMENT ON SCHEMA public IS {}").format(sql.Literal(_VERSION)))


def _is_made(admin: Connection[tuple[Any, ...]]) -> bool:
    found = admin.execute("SELECT obj_description('public'::regnamespace, 'pg_namespace')").fetchone()
    return found == (_VERSION,)
