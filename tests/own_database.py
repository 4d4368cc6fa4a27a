"""A database of a test's own on the shared server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from psycopg import sql

from allotment.databases import Databases


@contextmanager
def own_database(postgres: Databases) -> Iterator[tuple[str, str]]:
    """An empty one: connection strings of the application and of its owner. It is dropped at the end."""
    name, server = f"own_{uuid4().hex[:8]}", postgres.admin_dsn("allotment")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield (
            psycopg.conninfo.make_conninfo(postgres.state_dsn, dbname=name),
            psycopg.conninfo.make_conninfo(server, dbname=name),
        )
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
