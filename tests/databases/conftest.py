"""Grants for the example company's accounts, as ``authorize`` gives them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from allotment.access import Grant, Policy, Principal, Request
from allotment.audit import AuditLog, authorize
from allotment.databases import Databases
from allotment.project import Project
from allotment.workspace import Workspace


@pytest.fixture(scope="session")
def audit_log(northwind: Project, postgres: Databases) -> Iterator[AuditLog]:
    """The company's one record, with the key and the anchor every other user of it has."""
    workspace = Workspace(northwind.root)
    with AuditLog(postgres.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor") as log:
        log.migrate(postgres.admin_dsn("allotment"))
        yield log


@pytest.fixture
def grants(northwind: Project, audit_log: AuditLog) -> dict[str, Grant]:
    policy = Policy.of(northwind)
    requests = {
        "sales": (Principal("sofia", "sales"), Request("sales", account="northwind_sales")),
        "board": (Principal("dana", "director"), Request("board", account="northwind_board")),
        "warehouse": (Principal("hugo", "warehouse"), Request("warehouse", account="northwind_warehouse")),
    }
    return {
        name: authorize(audit_log, policy, principal, request, question="how many?")
        for name, (principal, request) in requests.items()
    }
