"""A company of a few accounts over one SQL text, on an embedded server of its own that is removed afterwards."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allotment.access import Grant, Policy, Principal, Request
from allotment.audit import AuditLog, authorize
from allotment.databases import Databases
from allotment.project import load_project
from allotment.workspace import Workspace

DATABASE = "measured"


@contextmanager
def company(
    sql: str, accounts: Mapping[str, Mapping[str, Any]], limits: Mapping[str, float]
) -> Iterator[tuple[Databases, dict[str, Grant]]]:
    """Its databases, not provisioned yet, and a grant for each account.

    Args:
        sql: what its one database is loaded from.
        accounts: account → its tables.
        limits: its ``database_limits``.
    """
    declared = {
        "name": "Measured",
        "roles": dict.fromkeys(accounts, "asks"),
        "documents": {"all": {"path": "documents", "readers": list(accounts)}},
        "databases": {DATABASE: {"load": "measured.sql"}},
        "accounts": {name: {"database": DATABASE, "tables": dict(tables)} for name, tables in accounts.items()},
        "agents": {name: {"roles": [name], "documents": ["all"], "account": name} for name in accounts},
        "database_limits": dict(limits),
    }
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        (root / "documents").mkdir()
        (root / "measured.sql").write_text(sql, encoding="utf-8")
        (root / "allotment.yaml").write_text(json.dumps(declared), encoding="utf-8")  # JSON is YAML
        project, workspace = load_project(root), Workspace(root)
        with Databases(project, workspace) as databases:
            log = AuditLog(databases.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor")
            with log as audit:
                audit.migrate(databases.admin_dsn())
                policy = Policy.of(project)
                grants = {
                    name: authorize(
                        audit, policy, Principal(name, name), Request(name, account=name), question="measured"
                    )
                    for name in accounts
                }
                yield databases, grants
            databases.server.remove()
