"""A record in a database of each test's own, and its owner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from record_owner import KEY

from allotment.audit import AuditLog
from allotment.databases import Databases
from own_database import own_database


@pytest.fixture
def admin_dsn(postgres: Databases) -> Iterator[str]:
    """The owner's login in a database of this test's own."""
    with own_database(postgres) as (_, dsn):
        yield dsn


@pytest.fixture(scope="module")
def module_admin_dsn(postgres: Databases) -> Iterator[str]:
    """The owner's login in a database of this file's own, for tests that set its record up anew each time."""
    with own_database(postgres) as (_, dsn):
        yield dsn


@pytest.fixture
def dsn(postgres: Databases, admin_dsn: str) -> str:
    """The application's login in the same database."""
    return psycopg.conninfo.make_conninfo(
        postgres.state_dsn, dbname=str(psycopg.conninfo.conninfo_to_dict(admin_dsn)["dbname"])
    )


@pytest.fixture
def log(dsn: str, admin_dsn: str, tmp_path: Path) -> Iterator[AuditLog]:
    """An empty record."""
    with AuditLog(dsn, KEY, tmp_path / "anchor") as log:
        log.migrate(admin_dsn)
        yield log
