"""Files are replaced whole or not at all, ledgers lose nothing that was written, and a full disk is told as one."""

from __future__ import annotations

import errno
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.errors import IntegrityError, StorageError
from allotment.workspace import Ledger, Workspace, write_atomic, write_jsonl
from small_disk import fill, small_disk


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 KiB."""
    with small_disk(tmp_path / "disk", 64) as folder:
        yield folder


def test_a_file_on_a_full_disk_stays_as_it_was(disk: Path) -> None:
    file = disk / "sections.jsonl"
    write_atomic(file, "before\n")
    ballast = fill(disk)
    with pytest.raises(StorageError, match=r"sections\.jsonl: .*No space left") as caught:
        write_jsonl(file, [{"text": "x" * 10_000}])
    assert caught.value.exit_code == 1
    assert file.read_text(encoding="utf-8") == "before\n"
    assert sorted(path.name for path in disk.iterdir()) == ["ballast", "sections.jsonl"]
    ballast.unlink()
    write_atomic(file, "after\n")
    assert file.read_text(encoding="utf-8") == "after\n"


def test_a_ledger_on_a_full_disk_keeps_its_rows_and_goes_on_when_there_is_room_again(disk: Path) -> None:
    ledger = Ledger(disk / "ledger.jsonl")
    ledger.append("first", {"n": 1})
    ballast = fill(disk)
    with pytest.raises(StorageError, match="what is done is kept"):
        ledger.append("second", {"text": "x" * 10_000})  # the first page of it still fits
    assert "second" not in ledger
    assert list(Ledger(ledger.path).rows) == ["first"]
    ballast.unlink()
    ledger.append("third", {"n": 3})
    assert list(Ledger(ledger.path).rows) == ["first", "third"]


def test_a_full_disk_is_told_from_other_faults() -> None:
    assert StorageError.is_full(OSError(errno.ENOSPC, ""))
    assert StorageError.is_full(OSError(errno.EDQUOT, ""))
    assert not StorageError.is_full(OSError(errno.EACCES, ""))


def test_a_private_file_is_its_owners_alone(tmp_path: Path) -> None:
    write_atomic(tmp_path / "deep" / "secret", "s", private=True)
    assert (tmp_path / "deep" / "secret").stat().st_mode & 0o777 == 0o600


@given(
    rows=st.dictionaries(st.text(min_size=1, max_size=8), st.dictionaries(st.just("value"), st.text()), max_size=6),
    data=st.data(),
)
def test_a_ledger_cut_anywhere_keeps_every_whole_line_and_can_be_written_to(
    rows: dict[str, dict[str, str]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        ledger = Ledger(path)
        for key, row in rows.items():
            ledger.append(key, row)
        raw = path.read_bytes() if rows else b""
        kept = raw[: data.draw(st.integers(0, len(raw)))]
        path.write_bytes(kept)
        whole = kept.count(b"\n")
        again = Ledger(path)
        assert list(again.rows) == list(rows)[:whole]
        again.append("a new key of nine", {})
        assert list(Ledger(path).rows) == [*list(rows)[:whole], "a new key of nine"]


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"no": "key"}', b"null", b'{"key": "\xff"}'])
def test_a_line_the_ledger_did_not_write_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "ledger.jsonl"
    Ledger(path).append("one", {})
    path.write_bytes(path.read_bytes() + line + b"\n")
    with pytest.raises(IntegrityError, match=r"ledger\.jsonl:2"):
        Ledger(path)


def test_a_broken_row_is_found_when_it_is_read_and_the_others_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(f'{{"key": "k{number}", "n": {number}}}\n' for number in range(100_000))
    whole = path.read_bytes()
    place = whole.index(b'{"key": "k50000"')
    path.write_bytes(whole.replace(b'"n": 50000}', b'"n": 5000,}'))
    ledger = Ledger(path)
    assert (len(ledger), "k50000" in ledger, list(ledger.rows)[-1]) == (100_000, True, "k99999")
    assert (ledger.rows["k49999"]["n"], ledger.rows["k50001"]["n"]) == (49_999, 50_001)
    with pytest.raises(IntegrityError, match=rf"ledger\.jsonl:byte {place}"):
        ledger.rows["k50000"]


def test_a_row_another_row_was_put_in_place_of_is_not_taken_for_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    ledger = Ledger(path)
    ledger.append("one", {"n": 1})
    path.write_text(path.read_text(encoding="utf-8").replace('"one"', '"two"'), encoding="utf-8")
    with pytest.raises(IntegrityError, match="byte 0"):
        ledger.rows["one"]


_KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.text('"\\{}é: \n\u2028', max_size=6)


@given(rows=st.lists(st.tuples(_KEYS, st.text(max_size=4), st.booleans()), max_size=8))
def test_whatever_its_key_a_row_is_seen_at_once_by_a_new_reader_in_the_order_of_first_writing(
    rows: list[tuple[str, str, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ledger, told = Ledger(Path(folder) / "ledger.jsonl"), dict[str, dict[str, str]]()
        for key, value, sync in rows:
            ledger.append(key, {"value": value}, sync=sync)
            told[key] = {"key": key, "value": value}
            reader = Ledger(ledger.path)
            assert (list(reader.rows.items()), len(reader)) == (list(told.items()), len(told))
            assert list(ledger.rows.items()) == list(told.items())
        assert all(key in ledger and key in ledger.rows for key in told)
        assert "another key" not in ledger and ledger.rows.get("another key") is None


def test_a_ledger_that_was_never_written_can_be_flushed_and_is_empty(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "none" / "ledger.jsonl")
    ledger.sync()
    assert (len(ledger), list(ledger.rows), ledger.path.exists()) == (0, [], False)


def test_a_step_is_done_for_its_own_inputs_only(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    assert workspace.step_done("ask", [1]) is None
    workspace.finish_step("ask", [1], {"answers": 3})
    assert workspace.step_done("ask", [1]) == {"answers": 3}
    assert workspace.step_done("ask", [2]) is None
    assert workspace.step_done("other", [1]) is None


@pytest.mark.parametrize("content", ["", '{"inputs": "', json.dumps({"inputs": "x"}), json.dumps({"result": {}})])
def test_a_broken_step_is_a_step_to_be_done_again(tmp_path: Path, content: str) -> None:
    workspace = Workspace(tmp_path)
    workspace.finish_step("ask", [1], {"answers": 3})
    (workspace.home / "steps" / "ask.json").write_text(content, encoding="utf-8")
    assert workspace.step_done("ask", [1]) is None


def test_a_secret_is_made_once_and_a_short_one_is_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    first = workspace.secret("key")
    assert workspace.secret("key") == first
    (workspace.home / "secrets" / "key").write_text("short", encoding="ascii")
    with pytest.raises(IntegrityError, match="too short"):
        workspace.secret("key")
