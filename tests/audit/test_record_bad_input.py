"""What is thrown at the record: odd texts, endless ones, full disks, lost keys. It is written, or it is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_owner import KEY, as_owner, write

from allotment.access import Principal
from allotment.audit import AuditLog, record_event
from allotment.audit._anchor import read_anchor
from allotment.audit._bounds import MOST_CHARACTERS, MOST_IN_ALL, bounded
from allotment.audit._chain import canonical
from allotment.errors import AccessDenied, IntegrityError, StorageError
from allotment.project import Project
from allotment.workspace import Workspace
from small_disk import fill, remount, small_disk

SOFIA = Principal("sofia", "sales")

_any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=5) | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5), inner, max_size=4)
        | st.sets(st.integers() | st.text(max_size=3), max_size=3)
        | st.tuples(inner)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=8), _any, max_size=6))
def test_every_event_can_be_written_and_is_the_same_when_read(event: dict[str, Any]) -> None:
    text = canonical(bounded(event))
    assert text.isascii() and "\x00" not in text
    assert json.loads(text) == bounded(event)


def test_a_plain_event_is_written_as_it_is() -> None:
    event = {"user": "eva", "detail": {"rows": 3, "seconds": 0.5, "sources": ["a", "b"], "sql": None}}
    assert bounded(event) == event


def test_a_number_that_is_none_is_written_by_its_name(log: AuditLog) -> None:
    event = log.append({"detail": {"seconds": float("nan"), "limit": float("inf")}}).event
    assert event == {"detail": {"seconds": "nan", "limit": "inf"}}
    assert log.verify().ok


def test_a_huge_text_is_cut_with_a_mark(log: AuditLog) -> None:
    question = log.append({"question": "x" * 5_000_000}).event["question"]
    assert question == "x" * MOST_CHARACTERS + " [cut: 5000000 characters in all]"


@pytest.mark.parametrize(
    "detail",
    [
        {"messages": ["y" * 7_000] * 2_000},
        {str(number): "z" * 500 for number in range(50_000)},
        {"deep": [[[[[[[[[["w" * 5_000_000]]]]]]]]]]},
        {"number": 1 << 200_000},
    ],
)
def test_an_endless_event_is_bounded_in_all(log: AuditLog, detail: dict[str, Any]) -> None:
    record_event(log, SOFIA, "request-refused", detail)
    text = canonical(log.records(1)[0].event)
    assert "cut" in text
    assert len(text) < 2 * MOST_IN_ALL
    assert log.verify().ok


def test_a_full_disk_does_not_keep_the_anchor_from_moving(dsn: str, admin_dsn: str, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 64) as disk, AuditLog(dsn, KEY, disk / "anchor") as log:
        log.migrate(admin_dsn)
        write(log, 2)
        fill(disk)
        assert record_event(log, SOFIA, "unknown", {}) == 3
        anchor = read_anchor(disk / "anchor", KEY)
        assert anchor is not None and anchor.sequence == 3
        assert log.verify().records == 3


def test_on_a_full_disk_no_record_is_begun(dsn: str, admin_dsn: str, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 64) as disk, AuditLog(dsn, KEY, disk / "anchor") as log:
        ballast = fill(disk)
        with pytest.raises((StorageError, OSError)):
            log.migrate(admin_dsn)
        with pytest.raises(AccessDenied, match="cannot be recorded"):
            record_event(log, SOFIA, "unknown", {})
        ballast.unlink()
        log.migrate(admin_dsn)
        assert record_event(log, SOFIA, "unknown", {}) == 1


def test_with_an_anchor_that_cannot_be_written_nothing_is_allowed_and_afterwards_it_goes_on(
    dsn: str, admin_dsn: str, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "small", 64) as disk, AuditLog(dsn, KEY, disk / "anchor") as log:
        log.migrate(admin_dsn)
        write(log, 2)
        remount(disk, "ro")
        with pytest.raises(AccessDenied, match="cannot be recorded"):
            record_event(log, SOFIA, "unknown", {})
        remount(disk, "rw")
        assert log.verify().ok
        assert record_event(log, SOFIA, "unknown", {}) == 4  # the third is there, but nothing came of it
        assert log.verify().records == 4


def test_a_database_that_goes_away_in_the_middle_and_comes_back(log: AuditLog, admin_dsn: str) -> None:
    write(log, 2)
    name = str(psycopg.conninfo.conninfo_to_dict(admin_dsn)["dbname"])
    with psycopg.connect(psycopg.conninfo.make_conninfo(admin_dsn, dbname="allotment"), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        with pytest.raises(AccessDenied):
            record_event(log, SOFIA, "unknown", {})
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    assert record_event(log, SOFIA, "unknown", {}) == 3
    assert log.verify().ok


def test_a_lost_key_is_said_and_no_other_one_is_made(northwind: Project, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    AuditLog.of(northwind, workspace, "host=/nowhere")
    workspace.audit_anchor.write_text("{}")
    key = workspace.secret_file("audit.key")
    key.unlink()
    with pytest.raises(IntegrityError, match="key of the audit record is lost"):
        AuditLog.of(northwind, workspace, "host=/nowhere")
    assert not key.exists()


def test_a_clock_that_runs_backwards_changes_nothing_about_the_order(dsn: str, admin_dsn: str, tmp_path: Path) -> None:
    times = [datetime(2026, 5, day, tzinfo=UTC) for day in (9, 3, 30, 1)]
    with AuditLog(dsn, KEY, tmp_path / "anchor", clock=lambda: times.pop(0)) as log:
        log.migrate(admin_dsn)
        write(log, 4)
        assert [record.at.day for record in reversed(log.records())] == [9, 3, 30, 1]
        assert log.verify().ok


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.record SET at = 'infinity' WHERE sequence = 2",
        "UPDATE audit.record SET at = '20000-01-01' WHERE sequence = 2",
        "UPDATE audit.record SET mac = 'é' WHERE sequence = 2",
        "UPDATE audit.record SET event = 'no json' WHERE sequence = 2",
        "ALTER TABLE audit.record ALTER mac DROP NOT NULL; UPDATE audit.record SET mac = NULL WHERE sequence = 2",
        "ALTER TABLE audit.record ALTER event DROP NOT NULL; UPDATE audit.record SET event = NULL WHERE sequence = 2",
        "ALTER TABLE audit.record ALTER sequence TYPE text USING CASE sequence WHEN 2 THEN 'x' ELSE sequence::text END",
    ],
)
def test_values_no_record_holds_are_a_finding_and_no_crash(log: AuditLog, admin_dsn: str, statement: str) -> None:
    write(log, 3)
    as_owner(admin_dsn, "ALTER TABLE audit.record DROP CONSTRAINT record_sequence_check", *statement.split("; "))
    report = log.verify()
    assert not report.ok and report.problem is not None
    with pytest.raises(IntegrityError):
        log.records()


@pytest.mark.parametrize("sequence", [0, -5, 2])
def test_a_record_slipped_in_where_the_table_allowed_none_shows(log: AuditLog, admin_dsn: str, sequence: int) -> None:
    write(log, 3)
    as_owner(
        admin_dsn,
        "ALTER TABLE audit.record DROP CONSTRAINT record_sequence_check, DROP CONSTRAINT record_pkey,"
        " DROP CONSTRAINT record_mac_key",
        f"INSERT INTO audit.record SELECT {sequence}, at, event, previous_mac, mac FROM audit.record"
        " WHERE sequence = 2",
    )
    problem = log.verify().problem
    assert problem is not None and (problem.kind, problem.sequence) == ("inserted", sequence)
