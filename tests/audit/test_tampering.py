"""Whatever the database's owner does to a record, verify says so, and where the first of it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import example, given, settings
from record_owner import KEY, write
from tampering import Table, altered, first_difference, put, read, steps

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.errors import IntegrityError

LAST = 12
PRUNED = 5


@pytest.fixture(scope="module")
def records(
    postgres: Databases, module_admin_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[AuditLog, str, Path]]:
    name = str(psycopg.conninfo.conninfo_to_dict(module_admin_dsn)["dbname"])
    anchor = tmp_path_factory.mktemp("tampering") / "anchor"
    dsn = psycopg.conninfo.make_conninfo(postgres.state_dsn, dbname=name)
    now = datetime.now(UTC)
    times = iter([now - timedelta(days=90)] * PRUNED)
    with AuditLog(dsn, KEY, anchor, clock=lambda: next(times, now)) as log:
        log.migrate(module_admin_dsn)
        write(log, LAST)
        yield log, module_admin_dsn, anchor


@pytest.fixture(scope="module")
def whole(records: tuple[AuditLog, str, Path]) -> Table:
    return read(records[1])


@settings(max_examples=60)
@given(steps(LAST))
@example([("swap", 2, 4), ("delete", 1, 1)])
@example([("cut", 1, 1)])
@example([("insert", 14, 1)])
@example([("move", 12, 14), ("insert", 3, 1)])
def test_any_alterations_show_at_the_first_of_them(
    records: tuple[AuditLog, str, Path], whole: Table, changes: list[tuple[str, int, int]]
) -> None:
    log, admin_dsn, _ = records
    found = altered(whole, changes)
    put(admin_dsn, found)
    _expect(log, first_difference(whole, found), removed=0)


def _expect(log: AuditLog, place: int | None, removed: int) -> None:
    report = log.verify()
    assert report.ok == (place is None)
    if place is not None:
        assert report.problem is not None
        assert report.problem.sequence == place
        assert report.records == min(place - 1, LAST) - removed
        with pytest.raises(IntegrityError, match=f"audit record {place}"):
            list(log.walk())


@pytest.fixture(scope="module")
def pruned(records: tuple[AuditLog, str, Path], whole: Table) -> tuple[AuditLog, str, Table]:
    """The same record after its first entries were removed because of their age."""
    log, admin_dsn, _ = records
    put(admin_dsn, whole)
    assert log.prune(admin_dsn, keep_days=30).through == PRUNED
    write(log, 3)
    return log, admin_dsn, read(admin_dsn)


@settings(max_examples=40)
@given(steps(LAST + 4))
@example([("insert", 1, 1)])
@example([("cut", 13, 1)])
def test_after_retention_too(pruned: tuple[AuditLog, str, Table], changes: list[tuple[str, int, int]]) -> None:
    log, admin_dsn, kept = pruned
    found = altered(kept, changes)
    put(admin_dsn, found)
    place = first_difference(kept, found)
    report = log.verify()
    assert report.ok == (place is None)
    assert report.problem is None or report.problem.sequence == place
    assert report.removed == PRUNED
