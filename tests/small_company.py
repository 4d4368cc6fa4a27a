"""A company made of one SQL file and a few accounts, each with an agent and a role of the same name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from allotment.access import Grant, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.databases import Databases
from allotment.project import Project, load_project
from allotment.workspace import Workspace

Tables = Mapping[str, Mapping[str, Any]]


def make_company(
    root: Path,
    sql: Mapping[str, str],
    accounts: Mapping[str, tuple[str, Tables]],
    limits: Mapping[str, float] | None = None,
) -> Project:
    """Write and load a project.

    Args:
        root: its folder.
        sql: database → the SQL it is loaded from.
        accounts: account → its database and tables.
        limits: what it declares as ``database_limits``.
    """
    (root / "documents").mkdir(parents=True, exist_ok=True)
    for name, text in sql.items():
        (root / f"{name}.sql").write_text(text, encoding="utf-8")
    declared = {
        "name": "Small company",
        "roles": dict.fromkeys(accounts, "asks"),
        "documents": {"all": {"path": "documents", "readers": list(accounts)}},
        "databases": {name: {"load": f"{name}.sql"} for name in sql},
        "accounts": {name: {"database": where, "tables": dict(tables)} for name, (where, tables) in accounts.items()},
        "agents": {name: {"roles": [name], "documents": ["all"], "account": name} for name in accounts},
        "database_limits": dict(limits or {}),
    }
    (root / "allotment.yaml").write_text(yaml.safe_dump(declared, allow_unicode=True), encoding="utf-8")
    return load_project(root)


@contextmanager
def open_company(project: Project) -> Iterator[Databases]:
    """Its databases, provisioned."""
    with Databases(project, Workspace(project.root)) as databases:
        databases.provision()
        yield databases


def grant_of(project: Project, account: str, user: str = "ann") -> Grant:
    """A grant for the agent of an account, as ``authorize`` gives it."""
    request = Request(account, account=account)
    return mint(decide(Policy.of(project), Principal(user, account), request), 1)
