"""The shop as copies of both kinds, and in PostgreSQL to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from file_shop import CREATE, CUSTOMERS, INSERT, KINDS, ORDERS, databases_of, fill, grant_for, write_project
from psycopg.conninfo import make_conninfo

from allotment.databases import Databases, QueryResult, check_sql
from allotment.databases._result import to_json
from allotment.project import Project

Ask = Callable[[str], QueryResult]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(tmp_path: Path, kind: str) -> Project:
    """A project with the shop's file, not provisioned yet; to be altered at will."""
    fill(tmp_path / f"shop.{kind}", kind)
    return write_project(tmp_path, kind)


@pytest.fixture(scope="session")
def shops(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """A provisioned project of each kind. Not to be altered."""
    found = {}
    for kind in KINDS:
        root = tmp_path_factory.mktemp("shops") / kind
        found[kind] = write_project(root, kind)
        fill(root / f"shop.{kind}", kind)
        databases_of(found[kind]).provision()
    return found


@pytest.fixture(scope="session")
def ask_file(shops: dict[str, Project]) -> dict[str, Ask]:
    """The clerk's queries on a copy of each kind."""

    def asking(project: Project) -> Ask:
        databases, grant = databases_of(project), grant_for(project, "clerk")
        return lambda sql: databases.query(grant, sql, max_rows=1000)

    return {kind: asking(project) for kind, project in shops.items()}


@pytest.fixture(scope="session")
def ask_postgres(postgres: Databases, shops: dict[str, Project]) -> Iterator[Callable[[str], list[tuple[Any, ...]]]]:
    """The same queries, gated alike, on the same rows in PostgreSQL."""
    dsn = postgres.admin_dsn("allotment")
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("CREATE DATABASE file_shop TEMPLATE template0")
    account = shops["sqlite"].accounts["shop_clerk"]
    with psycopg.connect(make_conninfo(dsn, dbname="file_shop"), autocommit=True) as connection:
        connection.execute(CREATE)
        for table, rows in (("customers", CUSTOMERS), ("orders", ORDERS)):
            connection.cursor().executemany(INSERT[table].replace("?", "%s"), rows)

        def ask(sql: str) -> list[tuple[Any, ...]]:
            rows = connection.execute(check_sql(sql, account).sql.encode()).fetchall()
            return [tuple(to_json(value) for value in row) for row in rows]

        yield ask
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("DROP DATABASE file_shop")
