"""Old records go, and what is left is still proven to be whole."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import psycopg
import pytest
from record_owner import KEY, as_owner, write

from allotment.audit import AuditLog, Retention, _prune
from allotment.audit._anchor import begin_anchor
from allotment.errors import DatabaseUnavailable, IntegrityError

NOW = datetime.now(UTC)
FORK = multiprocessing.get_context("fork")


class Clock:
    """A clock that shows what it is set to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def aged(dsn: str, admin_dsn: str, tmp_path: Path, clock: Clock) -> Iterator[AuditLog]:
    """A record of ten entries: three of 90 days ago, three of 60, four of today."""
    with AuditLog(dsn, KEY, tmp_path / "anchor", clock=clock) as log:
        log.migrate(admin_dsn)
        for days, count in ((90, 3), (60, 3), (0, 4)):
            clock.now = NOW - timedelta(days=days)
            write(log, count)
        yield log


def _checkpoint(admin_dsn: str) -> tuple[object, ...] | None:
    with psycopg.connect(admin_dsn) as admin:
        return admin.execute("SELECT sequence, mac, record, seal FROM audit.checkpoint").fetchone()


def test_what_is_old_goes_and_the_rest_is_whole(aged: AuditLog, admin_dsn: str) -> None:
    pruned = aged.prune(admin_dsn, keep_days=30)
    assert (pruned.removed, pruned.through, pruned.record) == (6, 6, 11)
    report = aged.verify()
    assert (report.ok, report.records, report.removed) == (True, 5, 6)
    newest = aged.records(100)
    assert [record.sequence for record in newest] == [11, 10, 9, 8, 7]
    assert newest[0].event["kind"] == "pruned"
    assert newest[0].event["detail"]["through"] == 6
    assert aged.append({"number": 11}).sequence == 12
    assert aged.verify().ok


def test_nothing_old_means_nothing_happens(aged: AuditLog, admin_dsn: str) -> None:
    assert aged.prune(admin_dsn, keep_days=100).removed == 0
    assert aged.verify().records == 10


def test_it_can_be_done_again_and_again(aged: AuditLog, admin_dsn: str) -> None:
    assert aged.prune(admin_dsn, keep_days=70).through == 3
    assert aged.verify().removed == 3
    assert aged.prune(admin_dsn, keep_days=30).removed == 3
    report = aged.verify()
    assert (report.ok, report.records, report.removed) == (True, 6, 6)
    assert aged.prune(admin_dsn, keep_days=30).removed == 0


def test_the_application_s_login_may_neither_remove_nor_make_a_checkpoint(aged: AuditLog, dsn: str) -> None:
    for statement in (
        "INSERT INTO audit.checkpoint (sequence, mac, record, seal) VALUES (1, '', 2, '')",
        "DELETE FROM audit.checkpoint",
        "UPDATE audit.checkpoint SET sequence = 9",
        "DELETE FROM audit.record",
    ):
        with psycopg.connect(dsn) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())
    with pytest.raises(DatabaseUnavailable):
        aged.prune(dsn, keep_days=30)
    assert aged.verify().records == 11  # that it was wanted is on record; it did not happen


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("DELETE FROM audit.checkpoint", "deleted"),
        ("UPDATE audit.checkpoint SET sequence = 7", "checkpoint"),
        ("UPDATE audit.checkpoint SET mac = repeat('0', 64)", "checkpoint"),
        ("UPDATE audit.checkpoint SET record = 12", "checkpoint"),
        ("UPDATE audit.checkpoint SET seal = ''", "checkpoint"),
        ("DELETE FROM audit.record WHERE sequence = 7", "deleted"),
        ("DELETE FROM audit.record WHERE sequence > 10", "truncated"),
        ("DELETE FROM audit.record", "truncated"),
    ],
)
def test_one_who_has_the_database_can_neither_move_nor_forge_the_beginning(
    aged: AuditLog, admin_dsn: str, statement: str, kind: str
) -> None:
    aged.prune(admin_dsn, keep_days=30)
    as_owner(admin_dsn, statement)
    problem = aged.verify().problem
    assert problem is not None and problem.kind == kind
    if kind in ("checkpoint", "truncated"):
        with pytest.raises(IntegrityError):
            aged.append({})


def test_a_beginning_taken_away_without_a_checkpoint_shows(aged: AuditLog, admin_dsn: str) -> None:
    as_owner(admin_dsn, "DELETE FROM audit.record WHERE sequence <= 6")
    problem = aged.verify().problem
    assert problem is not None and (problem.kind, problem.sequence) == ("deleted", 1)


def test_an_older_checkpoint_put_back_shows(aged: AuditLog, admin_dsn: str) -> None:
    aged.prune(admin_dsn, keep_days=70)
    older = _checkpoint(admin_dsn)
    aged.prune(admin_dsn, keep_days=30)
    with psycopg.connect(admin_dsn) as admin:
        admin.execute("UPDATE audit.checkpoint SET (sequence, mac, record, seal) = ROW(%s, %s, %s, %s)", older)
    problem = aged.verify().problem
    assert problem is not None and (problem.kind, problem.sequence) == ("deleted", 4)


def test_nothing_is_removed_from_a_record_that_is_not_whole(aged: AuditLog, admin_dsn: str) -> None:
    as_owner(admin_dsn, "UPDATE audit.record SET event = '{}' WHERE sequence = 3")
    with pytest.raises(IntegrityError, match="audit record 3"):
        aged.prune(admin_dsn, keep_days=30)
    assert _checkpoint(admin_dsn) is None
    problem = aged.verify().problem
    assert problem is not None and problem.sequence == 3


def test_a_clock_that_ran_backwards_keeps_every_young_record(aged: AuditLog, admin_dsn: str, clock: Clock) -> None:
    clock.now = NOW - timedelta(days=200)
    aged.append({"number": 11})
    clock.now = NOW
    assert aged.verify().ok
    assert aged.prune(admin_dsn, keep_days=30).through == 6
    assert 11 in {record.sequence for record in aged.records(100)}


def test_a_clock_far_ahead_removes_nothing(aged: AuditLog, admin_dsn: str, clock: Clock) -> None:
    clock.now = NOW + timedelta(days=5000)
    assert aged.prune(admin_dsn, keep_days=100).removed == 0


@pytest.mark.parametrize("moment", ["announced", "before-commit"])
def test_killed_half_way_it_leaves_a_whole_record_and_can_be_repeated(
    aged: AuditLog, dsn: str, admin_dsn: str, tmp_path: Path, moment: str
) -> None:
    child = FORK.Process(target=_killed_at, args=(dsn, admin_dsn, tmp_path / "anchor", moment))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    report = aged.verify()
    assert (report.ok, report.records, report.removed) == (True, 11, 0)
    assert aged.prune(admin_dsn, keep_days=30).through == 6
    report = aged.verify()
    assert (report.ok, report.records, report.removed) == (True, 6, 6)


def _killed_at(dsn: str, admin_dsn: str, anchor: Path, moment: str) -> None:
    """Prunes and dies by SIGKILL: when the removal is announced, or when all of it is done but the commit."""
    inner, connections = _prune.connect, 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def connect(to: str) -> psycopg.Connection[tuple[object, ...]]:
        nonlocal connections
        connections += 1  # the first one asks for the time, the second one removes
        if connections == 2 and moment == "announced":
            die()
        connection = inner(to)
        if connections == 2:
            connection.commit = die  # type: ignore[method-assign]
        return connection

    _prune.connect = connect
    AuditLog(dsn, KEY, anchor).prune(admin_dsn, keep_days=30)


def test_a_machine_whose_anchor_lies_in_the_removed_part_writes_on(
    aged: AuditLog, dsn: str, admin_dsn: str, tmp_path: Path
) -> None:
    begin_anchor(tmp_path / "elsewhere", KEY)  # its own anchor is as far as before the first record
    aged.prune(admin_dsn, keep_days=30)
    with AuditLog(dsn, KEY, tmp_path / "elsewhere") as other:
        assert other.append({"number": 12}).sequence == 12
        assert other.verify().ok


def test_a_lost_anchor_shows_after_a_removal_too(aged: AuditLog, admin_dsn: str, tmp_path: Path) -> None:
    aged.prune(admin_dsn, keep_days=30)
    as_owner(admin_dsn, "DELETE FROM audit.record")
    (tmp_path / "anchor").unlink()
    assert not aged.verify().ok
    with pytest.raises(IntegrityError):
        aged.append({})


def test_a_serving_gateway_does_it_by_itself(aged: AuditLog, admin_dsn: str) -> None:
    done = Event()
    prune = aged.prune

    def prune_and_tell(*arguments: object) -> object:
        found = prune(*arguments)  # type: ignore[arg-type]
        done.set()
        return found

    aged.prune = prune_and_tell  # type: ignore[assignment, method-assign]
    with Retention(aged, admin_dsn, keep_days=30):
        assert done.wait(30)
    assert aged.verify().removed == 6
