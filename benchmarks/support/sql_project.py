"""A project over a folder of SQL files: every file a database, each with one account that reads all of it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import psycopg
import yaml

from allotment.access import Grant, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.databases import Databases
from allotment.project import Project, load_project
from allotment.workspace import Workspace

MODEL = "qwen2.5-coder-1.5b-instruct"
_COLUMNS = """SELECT table_schema, table_name, column_name FROM information_schema.columns
    WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'allotment')
    ORDER BY table_schema, table_name, ordinal_position"""


def make_project(root: Path, files: list[Path], hidden: dict[str, set[str]] | None = None) -> Project:
    """A project with the databases loaded; account and agent of ``x.sql`` are ``x_reader``.

    Args:
        root: folder of the project, made if it is not there.
        files: SQL files, one database each.
        hidden: database → tables its account may not see.
    """
    (root / "documents").mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, root / file.name)
    names = [file.stem for file in files]
    _write(root, names, {})
    with Databases(load_project(root), Workspace(root)) as databases:
        databases.provision()
        tables = {name: _tables(databases.admin_dsn(name)) for name in names}
    for name, without in (hidden or {}).items():
        tables[name] = {table: columns for table, columns in tables[name].items() if table not in without}
    _write(root, names, tables)
    return load_project(root)


def grant_for(project: Project, database: str) -> Grant:
    """A grant for the account of a database; what comes before a grant is not measured here."""
    account = f"{database}_reader"
    return mint(decide(Policy.of(project), Principal("reader", "reader"), Request(account, account=account)), 1)


def _write(root: Path, names: list[str], tables: dict[str, dict[str, Any]]) -> None:
    """The declaration; before the tables are known, with accounts that see one that is not there."""
    accounts = {f"{name}_reader": {"database": name, "tables": tables[name]} for name in names if name in tables}
    agents = {name: {"roles": ["reader"], "documents": ["none"], "account": name} for name in accounts}
    declared = {
        "name": "Questions",
        "roles": {"reader": "reads everything"},
        "users": {"reader": "reader"},
        "documents": {"none": {"path": "documents", "readers": ["reader"]}},
        "models": {"teacher": MODEL, "base": "gemma-3-270m", "sql": MODEL},
        "databases": {name: {"load": f"{name}.sql"} for name in names},
        "accounts": accounts,
        "agents": agents or {"nobody": {"roles": ["reader"], "documents": ["none"]}},
        "routing": {"default": {"reader": next(iter(agents), "nobody")}},
    }
    (root / "allotment.yaml").write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")


def _tables(dsn: str) -> dict[str, Any]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(_COLUMNS).fetchall()
    found: dict[str, Any] = {}
    for schema, table, column in rows:
        name = table if schema == "public" else f"{schema}.{table}"
        found.setdefault(name, {"columns": []})["columns"].append(column)
    return found
