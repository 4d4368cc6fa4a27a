"""The record: one chain whoever writes, and every way of changing it shows."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import errors
from record_owner import KEY, as_owner, write

from allotment.audit import AuditLog
from allotment.audit._anchor import read_anchor
from allotment.errors import DatabaseUnavailable, IntegrityError


def test_an_untouched_record_is_whole(log: AuditLog) -> None:
    assert log.verify().ok
    write(log, 4)
    report = log.verify()
    assert (report.ok, report.records, report.problem) == (True, 4, None)
    assert [record.event for record in log.records(2)] == [{"number": 4}, {"number": 3}]


@pytest.mark.parametrize(
    ("statements", "kind", "sequence"),
    [
        (["UPDATE audit.record SET event = '{\"number\":9}' WHERE sequence = 3"], "edited", 3),
        (["UPDATE audit.record SET at = at - interval '1 day' WHERE sequence = 2"], "edited", 2),
        (["UPDATE audit.record SET mac = repeat('0', 64) WHERE sequence = 1"], "edited", 1),
        (["DELETE FROM audit.record WHERE sequence = 3"], "deleted", 3),
        (["DELETE FROM audit.record WHERE sequence = 1"], "deleted", 1),
        (
            [
                "DELETE FROM audit.record WHERE sequence = 3",
                "UPDATE audit.record SET sequence = sequence - 1 WHERE sequence = 4",
                "UPDATE audit.record SET sequence = sequence - 1 WHERE sequence = 5",
            ],
            "deleted",
            3,
        ),
        (
            ["INSERT INTO audit.record SELECT 6, at, event, mac, repeat('1', 64) FROM audit.record WHERE sequence = 5"],
            "inserted",
            6,
        ),
        (
            [
                "UPDATE audit.record SET sequence = 6 WHERE sequence = 5",
                "UPDATE audit.record SET sequence = 5 WHERE sequence = 4",
                "INSERT INTO audit.record SELECT 4, at, '{}', mac, repeat('1', 64) FROM audit.record"
                " WHERE sequence = 3",
            ],
            "inserted",
            4,
        ),
        (
            [
                "UPDATE audit.record SET sequence = 99 WHERE sequence = 2",
                "UPDATE audit.record SET sequence = 2 WHERE sequence = 4",
                "UPDATE audit.record SET sequence = 4 WHERE sequence = 99",
            ],
            "reordered",
            2,
        ),
        (["DELETE FROM audit.record WHERE sequence > 3"], "truncated", 4),
        (["TRUNCATE audit.record"], "truncated", 1),
    ],
)
def test_a_change_by_the_owner_shows_with_its_place(
    log: AuditLog, admin_dsn: str, statements: list[str], kind: str, sequence: int
) -> None:
    write(log, 5)
    as_owner(admin_dsn, *statements)
    report = log.verify()
    assert report.problem is not None
    assert (report.ok, report.problem.kind, report.problem.sequence) == (False, kind, sequence)


def test_after_a_cut_tail_nothing_is_written_over_it(log: AuditLog, admin_dsn: str) -> None:
    write(log, 5)
    as_owner(admin_dsn, "DELETE FROM audit.record WHERE sequence > 3")
    with pytest.raises(IntegrityError):
        log.append({"number": 4})
    assert not log.verify().ok


def test_a_forged_tail_is_not_built_upon(log: AuditLog, admin_dsn: str) -> None:
    write(log, 2)
    as_owner(
        admin_dsn,
        "INSERT INTO audit.record SELECT 3, at, event, mac, repeat('1', 64) FROM audit.record WHERE sequence = 2",
    )
    with pytest.raises(IntegrityError):
        log.append({"number": 4})


def test_an_edited_or_missing_anchor_shows(log: AuditLog, tmp_path: Path) -> None:
    write(log, 3)
    anchor = tmp_path / "anchor"
    whole = anchor.read_text()
    anchor.write_text(json.dumps({**json.loads(whole), "sequence": 2}))
    problem = log.verify().problem
    assert problem is not None and problem.kind == "anchor"
    anchor.unlink()
    problem = log.verify().problem
    assert problem is not None and problem.kind == "anchor"
    with pytest.raises(IntegrityError):
        log.append({"number": 4})


def test_a_crash_between_the_record_and_its_anchor_is_no_tampering(log: AuditLog, tmp_path: Path) -> None:
    write(log, 2)
    lagging = (tmp_path / "anchor").read_text()
    log.append({"number": 3})
    (tmp_path / "anchor").write_text(lagging)
    assert log.verify().ok
    assert log.append({"number": 4}).sequence == 4
    assert log.verify().records == 4
    anchor = read_anchor(tmp_path / "anchor", KEY)
    assert anchor is not None and anchor.sequence == 4


def test_appends_from_many_threads_and_logs_keep_one_chain(log: AuditLog, tmp_path: Path) -> None:
    with AuditLog(log._dsn, KEY, tmp_path / "anchor") as other, ThreadPoolExecutor(4) as pool:
        records = list(pool.map(lambda number: (log, other)[number % 2].append({"number": number}), range(20)))
    assert sorted(record.sequence for record in records) == list(range(1, 21))
    assert log.verify().records == 20


def test_another_key_does_not_verify(log: AuditLog, tmp_path: Path) -> None:
    write(log, 1)
    assert not AuditLog(log._dsn, "another key", tmp_path / "anchor").verify().ok
    assert not AuditLog(log._dsn, "another key", tmp_path / "elsewhere").verify().ok


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit.record SET event = ''",
        "DELETE FROM audit.record",
        "TRUNCATE audit.record",
        "DROP TABLE audit.record",
        "ALTER TABLE audit.record DISABLE TRIGGER ALL",
        "CREATE TABLE audit.other (a int)",
    ],
)
def test_the_application_s_login_may_only_add_and_read(log: AuditLog, statement: str) -> None:
    write(log, 1)
    with psycopg.connect(log._dsn) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_migrating_again_changes_nothing(log: AuditLog, admin_dsn: str) -> None:
    write(log, 2)
    log.migrate(admin_dsn)
    assert log.verify().records == 2


def test_text_in_any_alphabet_and_with_control_characters_comes_back(log: AuditLog) -> None:
    event = {"question": "Řekni \x00 \ud800 \u202e 🔑"}
    log.append(event)
    assert log.records(1)[0].event == event
    assert log.verify().ok


def test_a_database_that_does_not_answer_is_said_to(tmp_path: Path) -> None:
    log = AuditLog(f"host={tmp_path} port=5432 user=x dbname=x", KEY, tmp_path / "anchor")
    with pytest.raises(DatabaseUnavailable):
        log.append({})
    with pytest.raises(DatabaseUnavailable):
        log.verify()


def test_a_lost_connection_is_replaced(log: AuditLog, admin_dsn: str) -> None:
    write(log, 1)
    as_owner(
        admin_dsn,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'allotment_app' AND datname = current_database()",
    )
    assert log.append({"number": 2}).sequence == 2
