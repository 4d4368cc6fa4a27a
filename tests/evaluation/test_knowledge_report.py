"""An agent's evaluation: what it asks, what it reports, and what it never takes for passed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.dataset import load_items
from allotment.evaluation import Options, evaluate_agent
from allotment.evaluation.report import Report
from allotment.project import Project
from allotment.workspace import Workspace
from knowledge_parts import failing, knowing, opened
from project_copy import copy_project
from sealed_adapter import seal


@pytest.fixture(scope="module")
def audit(postgres: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditLog]:
    """A record of its own."""
    name = f"audit_{uuid4().hex[:8]}"
    server = postgres.admin_dsn("allotment")
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    dsn = psycopg.conninfo.make_conninfo(postgres.state_dsn, dbname=name)
    with AuditLog(dsn, "k" * 64, tmp_path_factory.mktemp("record") / "anchor") as log:
        log.migrate(psycopg.conninfo.make_conninfo(server, dbname=name))
        yield log
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def project(taught: Project, tmp_path: Path) -> Project:
    return copy_project(taught, tmp_path / "project")


def outcomes(report: Report) -> dict[str, str]:
    return {check.name: check.outcome for check in report.checks}


def lines(report: Report) -> dict[tuple[str, str], tuple[object, ...]]:
    table = next(table for table in report.tables if table.name == "knowledge")
    return {(str(row[0]), str(row[1])): row[2:] for row in table.rows}


def test_an_adapter_that_knows_its_facts_passes(project: Project, postgres: Databases, audit: AuditLog) -> None:
    workspace = Workspace(project.root)
    seal(project, workspace, "handbook")
    with opened(project, postgres, audit, knowing(project, workspace, "handbook")) as company:
        found = evaluate_agent(company.parts, "handbook")
    print(found.report.verdict, *found.report.checks, *found.report.tables[0].rows, *found.report.tables[2].rows, sep="\n")
    assert outcomes(found.report)["knowledge.learnt"] == "passed"
