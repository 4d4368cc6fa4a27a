"""Many records at once: one turn for all of them, nobody told before his own is durable, nothing half there."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

import psycopg
import pytest
from filelock import FileLock
from record_owner import KEY, as_owner, write

from allotment.access import Principal
from allotment.audit import AuditLog, AuditRecord, _writer, record_event
from allotment.audit._anchor import read_anchor
from allotment.audit._connect import connect_to_append
from allotment.audit._end import LOCK
from allotment.errors import AccessDenied, DatabaseUnavailable, IntegrityError

SOFIA = Principal("sofia", "sales")
FORK = multiprocessing.get_context("fork")
"""Other processes, without the time it takes to import everything anew."""


@pytest.fixture(autouse=True)
def _a_busy_machine_is_no_hanging_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allotment.audit._connect.WAIT_S", 30)
    monkeypatch.setattr("allotment.audit._writer.BATCH_S", 60)
    monkeypatch.setattr("allotment.audit._writer.PATIENCE_S", 90)


@contextmanager
def others_turn(dsn: str) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """Another machine has the turn, so that what this process wants to write comes together."""
    with psycopg.connect(dsn) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        yield other


def gathered(log: AuditLog, dsn: str, count: int, pool: ThreadPoolExecutor) -> list[object]:
    """``count`` appends that wait for one turn together; gives what each of them returned or raised."""
    with others_turn(dsn) as other:
        first = pool.submit(_append, log, 0)
        _until(lambda: _waiting(dsn) == 1)
        rest = [pool.submit(_append, log, number) for number in range(1, count)]
        _until(lambda: len(log._writer._wanted) == count - 1)
        other.rollback()
    return [future.result() for future in (first, *rest)]


def _append(log: AuditLog, number: int) -> object:
    try:
        return log.append({"number": number})
    except Exception as error:
        return error


def _until(condition: object) -> None:
    end = time.monotonic() + 20
    pause = threading.Event()
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not come to that"
        pause.wait(0.005)


def _waiting(dsn: str) -> int:
    with psycopg.connect(dsn) as watching:
        found = watching.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ).fetchone()
        return int(str(found[0])) if found else 0


def _transactions(admin_dsn: str) -> list[int]:
    with psycopg.connect(admin_dsn) as admin:
        rows = admin.execute("SELECT xmin::text::bigint FROM audit.record ORDER BY sequence").fetchall()
    return [row[0] for row in rows]


def test_what_came_together_is_written_in_one_transaction(log: AuditLog, dsn: str, admin_dsn: str) -> None:
    with ThreadPoolExecutor(40) as pool:
        records = gathered(log, dsn, 40, pool)
    assert all(isinstance(record, AuditRecord) for record in records)
    transactions = _transactions(admin_dsn)
    assert len(transactions) == 40
    assert len(set(transactions)) == 2  # the first one alone, which had the turn to wait for, then all others
    assert log.verify().records == 40


def test_everybody_gets_his_own_record_back(log: AuditLog) -> None:
    with ThreadPoolExecutor(16) as pool:
        records = list(pool.map(lambda number: log.append({"number": number}), range(200)))
    assert [record.event["number"] for record in records] == list(range(200))
    kept = {record.sequence: (record.event, record.mac) for record in log.records(200)}
    assert {record.sequence: (record.event, record.mac) for record in records} == kept


def test_nobody_is_told_before_his_record_is_durable(log: AuditLog, dsn: str) -> None:
    def append_then_look(number: int) -> bool:
        mine = log.append({"number": number})
        with psycopg.connect(dsn) as other:
            return other.execute("SELECT FROM audit.record WHERE mac = %s", [mine.mac]).rowcount == 1

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(append_then_look, range(60)))


def test_the_anchor_knows_every_record_that_was_told(log: AuditLog, tmp_path: Path) -> None:
    def append_then_look(number: int) -> bool:
        mine = log.append({"number": number})
        anchor = read_anchor(tmp_path / "anchor", KEY)
        return anchor is not None and anchor.sequence >= mine.sequence

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(append_then_look, range(60)))


def test_a_failure_of_the_batch_fails_everybody_in_it_and_nothing_is_there(
    log: AuditLog, dsn: str, admin_dsn: str
) -> None:
    write(log, 1)
    as_owner(
        admin_dsn,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$BEGIN IF NEW.event LIKE '%:7}' THEN RAISE 'no space left'; END IF; RETURN NEW; END$$",
        "CREATE TRIGGER refuse BEFORE INSERT ON audit.record FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    with ThreadPoolExecutor(10) as pool:
        found = gathered(log, dsn, 10, pool)
    # The first one had a turn of its own; the nine behind it were one batch, of which one could not be written.
    assert isinstance(found[0], AuditRecord)
    assert [type(item) for item in found[1:]] == [DatabaseUnavailable] * 9
    assert log.verify().records == 2
    as_owner(admin_dsn, "DROP TRIGGER refuse ON audit.record")
    assert log.append({"number": 7}).sequence == 3


def test_a_record_that_is_not_whole_fails_everybody(log: AuditLog, dsn: str, admin_dsn: str) -> None:
    write(log, 5)
    as_owner(admin_dsn, "DELETE FROM audit.record WHERE sequence > 3")
    with ThreadPoolExecutor(6) as pool:
        found = gathered(log, dsn, 6, pool)
    assert [type(item) for item in found] == [IntegrityError] * 6


def test_the_anchor_is_flushed_when_nobody_waits_and_once_a_second_while_others_do(
    log: AuditLog, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(_writer, "flush_anchor", lambda _: flushed.append(len(log._writer._wanted)))
    log.append({"number": 1})
    _until(lambda: flushed == [0])
    writer = log._writer
    writer._wanted.append(_writer._Wanted("{}"))  # somebody waits
    writer._flush()
    assert flushed == [0]
    writer._flushed_at -= _writer.FLUSH_S + 0.1
    writer._flush()
    assert flushed == [0, 1]
    writer._wanted.clear()


def test_an_anchor_that_is_read_while_it_is_written_is_read_again(log: AuditLog, tmp_path: Path) -> None:
    log.append({"number": 1})
    anchor = tmp_path / "anchor"
    whole = anchor.read_bytes()
    with ThreadPoolExecutor(1) as pool:
        with FileLock(f"{anchor}.lock"):
            anchor.write_bytes(whole[:100] + b"\0" * 156)
            reading = pool.submit(read_anchor, anchor, KEY)
            with pytest.raises(TimeoutError):
                reading.result(0.2)
            anchor.write_bytes(whole)
        found = reading.result(30)
    assert found is not None and found.sequence == 1


def test_a_cut_by_which_the_anchor_is_not_hurt_is_seen_by_the_process_that_wrote(
    log: AuditLog, admin_dsn: str, tmp_path: Path
) -> None:
    write(log, 2)
    older = (tmp_path / "anchor").read_text()
    write(log, 2)
    as_owner(admin_dsn, "DELETE FROM audit.record WHERE sequence > 2")
    (tmp_path / "anchor").write_text(older)
    with pytest.raises(IntegrityError):
        log.append({"number": 3})


def test_others_who_keep_the_turn_are_waited_for_a_while_and_then_it_is_refused(
    log: AuditLog, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allotment.audit._connect.WAIT_S", 0.3)
    with others_turn(dsn), pytest.raises(AccessDenied, match="cannot be recorded"):
        record_event(log, SOFIA, "unknown", {})
    assert record_event(log, SOFIA, "unknown", {}) == 1


def test_one_who_stands_still_with_the_turn_does_not_keep_it(
    log: AuditLog, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allotment.audit._connect.WAIT_S", 0.3)
    with connect_to_append(dsn) as still:
        monkeypatch.undo()
        still.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        assert log.append({"number": 1}).sequence == 1
        with pytest.raises(psycopg.Error):
            still.execute("SELECT")


def test_a_database_that_hangs_is_given_up_and_then_used_again(
    log: AuditLog, admin_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allotment.audit._writer.BATCH_S", 0.3)
    write(log, 1)
    connection = log._writer._connection
    assert connection is not None
    backend = connection.info.backend_pid
    os.kill(backend, signal.SIGSTOP)
    began = time.monotonic()
    try:
        with pytest.raises(AccessDenied):
            record_event(log, SOFIA, "unknown", {})
    finally:
        os.kill(backend, signal.SIGCONT)
    assert time.monotonic() - began < 9
    assert log.append({"number": 2}).event == {"number": 2}
    assert log.verify().ok


def test_who_gave_up_waiting_gets_no_record_later(log: AuditLog, dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(2) as pool, others_turn(dsn) as other:
        first = pool.submit(log.append, {"number": 1})
        _until(lambda: _waiting(dsn) == 1)
        monkeypatch.setattr("allotment.audit._writer.PATIENCE_S", 0.05)
        with pytest.raises(DatabaseUnavailable, match="within"):
            log.append({"number": 2})
        other.rollback()
        assert first.result().sequence == 1
    monkeypatch.undo()
    assert log.append({"number": 3}).sequence == 2


def test_several_processes_write_one_chain(log: AuditLog, dsn: str, tmp_path: Path) -> None:
    # Two share an anchor, as workers of one machine do; the third has one of its own, as another machine does.
    anchors = [tmp_path / "anchor", tmp_path / "anchor", tmp_path / "elsewhere"]
    (tmp_path / "elsewhere").write_bytes((tmp_path / "anchor").read_bytes())
    children = [FORK.Process(target=_write_from_threads, args=(dsn, anchor)) for anchor in anchors]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
    assert [child.exitcode for child in children] == [0, 0, 0]
    assert log.verify().records == 120
    with AuditLog(dsn, KEY, tmp_path / "elsewhere") as other:
        assert other.verify().records == 120


def _write_from_threads(dsn: str, anchor: Path) -> None:
    with AuditLog(dsn, KEY, anchor) as log, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: log.append({"number": number}), range(40)))


@pytest.mark.parametrize("moment", ["turn", "before-commit", "after-commit", "anchor", "told"])
def test_a_writer_killed_at_any_moment_leaves_a_whole_record(
    log: AuditLog, dsn: str, tmp_path: Path, moment: str
) -> None:
    log.append({"number": 0})
    child = FORK.Process(target=_killed_at, args=(dsn, tmp_path / "anchor", moment))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    report = log.verify()
    assert report.ok
    assert report.records == {"turn": 1, "before-commit": 1}.get(moment, 2)
    anchor = read_anchor(tmp_path / "anchor", KEY)
    assert anchor is not None and anchor.sequence == (2 if moment == "told" else 1)
    assert log.append({"number": 2}).sequence == report.records + 1
    assert log.verify().ok


def _killed_at(dsn: str, anchor: Path, moment: str) -> None:
    """Appends one record and dies by SIGKILL at ``moment``, as by a loss of power."""

    def die(*_: object, **__: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "turn":
        _writer.Writer._chained = die  # type: ignore[assignment, method-assign]
    if moment == "before-commit":
        psycopg.Connection.commit = die  # type: ignore[method-assign]
        _writer.connect_to_append = connect_without_commit
    if moment == "after-commit":
        _writer.advance_anchor = die  # type: ignore[assignment]
    if moment == "anchor":
        os.pwrite = die  # type: ignore[assignment]
    AuditLog(dsn, KEY, anchor).append({"number": 1})
    die()


def connect_without_commit(dsn: str) -> psycopg.Connection[tuple[object, ...]]:
    """A connection that has no commit of its own behind it."""
    return psycopg.connect(dsn)


def test_killed_under_load_no_told_record_is_missing(log: AuditLog, dsn: str, tmp_path: Path) -> None:
    for _ in range(3):
        reading, writing = FORK.Pipe(duplex=False)
        child = FORK.Process(target=_write_and_tell, args=(dsn, tmp_path / "anchor", writing))
        child.start()
        writing.close()
        told = {reading.recv() for _ in range(50)}
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join(60)
        with suppress(EOFError, OSError):
            while True:
                told.add(reading.recv())
        report = log.verify()
        assert report.ok
        assert told <= {record.mac for record in log.records(100_000)}
        anchor = read_anchor(tmp_path / "anchor", KEY)
        assert anchor is not None and anchor.sequence <= report.records
    assert log.append({"number": 0}).sequence == report.records + 1


def _write_and_tell(dsn: str, anchor: Path, told: Connection) -> None:
    turn = threading.Lock()

    def write_on(_: int) -> None:
        while True:
            mac = log.append({"number": 1}).mac
            with turn:
                told.send(mac)

    with AuditLog(dsn, KEY, anchor) as log, ThreadPoolExecutor(8) as pool:
        list(pool.map(write_on, range(8)))


def test_an_anchor_far_behind_is_caught_up_with(
    log: AuditLog, dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").write_bytes((tmp_path / "anchor").read_bytes())
    write(log, 12)
    monkeypatch.setattr("allotment.audit._end.AT_ONCE", 5)
    with AuditLog(dsn, KEY, tmp_path / "elsewhere") as other:
        assert other.append({"number": 13}).sequence == 13


def test_a_closed_record_writes_again_when_asked_to(log: AuditLog) -> None:
    write(log, 1)
    log.close()
    log.close()
    assert log.append({"number": 2}).sequence == 2
