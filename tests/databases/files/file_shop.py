"""One small shop in three databases, and a project whose accounts read it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb

from allotment.access import Grant, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.databases import Databases, QueryResult, SchemaCard
from allotment.project import Project, load_project
from allotment.workspace import Workspace

KINDS = ("sqlite", "duckdb")

CUSTOMERS = [
    (1, "Alfreds", "Germany", True, None),
    (2, "Berglunds", "Sweden", False, "calls on Mondays"),
    (3, "Chop-suey", "Switzerland", True, "50% off_"),
    (4, "Drachenblut", "Germany", False, None),
    (5, "Ernst Händel", "Austria", True, "it's big"),
    (6, "émile", "germany", False, ""),
]
ORDERS = [
    (10, 1, "2024-01-31", "2024-01-31 10:00:00", 12.5, 3.25, "HIDDEN-A"),
    (11, 1, "2024-02-29", "2024-02-29 23:59:59", 7.0, 0.5, "HIDDEN-B"),
    (12, 2, "2024-03-01", "2024-03-01 00:00:00", 100.25, None, "HIDDEN-C"),
    (13, 3, "2023-12-31", "2023-12-31 08:30:00", 0.75, 2.0, "HIDDEN-D"),
    (14, 5, None, None, 40.0, 8.0, "HIDDEN-E"),
    (15, 5, "2024-03-15", "2024-03-15 12:00:00", 3.5, 1.125, "HIDDEN-F"),
    (16, None, "2022-07-04", "2022-07-04 04:05:06", 19.0, 6.0, "HIDDEN-G"),
]
CREATE = """CREATE TABLE customers (id integer PRIMARY KEY, name text, country text, vip boolean, note text);
CREATE TABLE orders (id integer PRIMARY KEY, customer_id integer REFERENCES customers (id), day date, placed timestamp,
  total numeric(10,2), weight double precision, secret text);"""
INSERT = {
    "customers": "INSERT INTO customers VALUES (?, ?, ?, ?, ?)",
    "orders": "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
}

PROJECT = """
name: Shop
roles: {{clerk: sells}}
documents: {{all: {{path: documents, readers: [clerk]}}}}
databases: {{shop: {{file: shop.{kind}}}}}
accounts:
  shop_clerk:
    database: shop
    tables:
      customers: {{columns: [id, name, country, vip, note]}}
      orders: {{columns: [id, customer_id, day, placed, total, weight]}}
  shop_german:
    database: shop
    tables:
      customers: {{columns: [id, name], rows: {{country: Germany}}}}
agents:
  clerk: {{roles: [clerk], documents: [all], account: shop_clerk}}
  german: {{roles: [clerk], documents: [all], account: shop_german}}
"""

THINGS = """
name: Things
roles: {{clerk: sells}}
documents: {{all: {{path: documents, readers: [clerk]}}}}
databases: {{shop: {{file: shop.{kind}}}}}
accounts: {{things: {{database: shop, tables: {tables}}}}}
agents: {{clerk: {{roles: [clerk], documents: [all], account: things}}}}
"""


def fill(path: Path, kind: str, script: str = CREATE) -> Path:
    """Write the shop to a file of a kind."""
    connect = sqlite3.connect if kind == "sqlite" else duckdb.connect
    with closing(connect(path)) as connection:
        for statement in script.split(";")[:-1]:
            connection.execute(statement)
        for table, rows in (("customers", CUSTOMERS), ("orders", ORDERS)):
            connection.executemany(INSERT[table], rows)
        connection.commit()
    return path


def write_project(root: Path, kind: str, text: str = PROJECT) -> Project:
    """A project in ``root`` that declares ``shop.<kind>``."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "documents").mkdir(exist_ok=True)
    (root / "allotment.yaml").write_text(text.format(kind=kind), encoding="utf-8")
    return load_project(root)


def databases_of(project: Project) -> Databases:
    """The project's databases without a server: none of them needs one."""
    return Databases(project, Workspace(project.root))


def grant_for(project: Project, agent: str) -> Grant:
    """What ``authorize`` gives once its record is written."""
    request = Request(agent, account=project.agents[agent].account)
    return mint(decide(Policy.of(project), Principal("iva", "clerk"), request), 1)


def copy_of(project: Project, account: str) -> Path:
    """Where an account's copy lies."""
    return next(path for path in copies_in(project) if path.name.startswith(f"{account}.") and path.suffix != ".json")


def copies_in(project: Project) -> Iterator[Path]:
    """Every file beneath the folder of copies."""
    return (path for path in (project.root / ".allotment" / "copies").rglob("*") if path.is_file())


class Things:
    """A project whose account ``things`` reads ``tables`` of a file that a script made."""

    def __init__(self, root: Path, kind: str, script: str, tables: str) -> None:
        self.source = root / f"shop.{kind}"
        connect = sqlite3.connect if kind == "sqlite" else duckdb.connect
        with closing(connect(self.source)) as connection:
            run = connection.executescript if kind == "sqlite" else connection.execute
            run(script)
        text = THINGS.replace("{tables}", tables.replace("{", "{{").replace("}", "}}"))
        self.project = write_project(root, kind, text)

    def provision(self) -> list[str]:
        return databases_of(self.project).provision()

    def ask(self, sql: str) -> QueryResult:
        return databases_of(self.project).query(grant_for(self.project, "clerk"), sql)

    def card(self) -> SchemaCard:
        return databases_of(self.project).schema_card(grant_for(self.project, "clerk"))

    def types(self) -> dict[str, str]:
        """Column → type, of the first table on the card."""
        return {column.name: column.type for column in self.card().tables[0].columns}

    def copy(self) -> Path:
        return copy_of(self.project, "things")
