"""A benchmark that was stopped goes on where it was, and never with figures of other code or data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The module that keeps parts, in a folder of this test."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    from support import guard_kept

    monkeypatch.setattr(guard_kept, "FOLDER", tmp_path / "kept")
    return guard_kept


def _counting(calls: list[str]) -> Callable[[], int]:
    def make() -> int:
        calls.append("made")
        return len(calls)

    return make


def test_a_part_is_made_once_for_the_same_files(kept: ModuleType, tmp_path: Path) -> None:
    file, calls = tmp_path / "code.py", list[str]()
    file.write_text("one", encoding="utf-8")
    for _ in range(2):
        assert kept.Kept("judged", [file]).part("set a", _counting(calls)) == 1
    assert calls == ["made"]


def test_a_changed_file_makes_every_part_anew_and_leaves_other_kinds(kept: ModuleType, tmp_path: Path) -> None:
    file, calls, others = tmp_path / "code.py", list[str](), list[str]()
    file.write_text("one", encoding="utf-8")
    kept.Kept("judged", [file]).part("set a", _counting(calls))
    kept.Kept("trained", [file]).part("all", _counting(others))
    before = file.read_text(encoding="utf-8")
    file.write_text("two", encoding="utf-8")
    assert kept.Kept("judged", [file]).part("set a", _counting(calls)) == 2
    file.write_text(before, encoding="utf-8")
    assert kept.Kept("trained", [file]).part("all", _counting(others)) == 1


def test_a_part_that_fails_leaves_nothing_that_could_be_taken_for_it(kept: ModuleType, tmp_path: Path) -> None:
    calls: list[str] = []

    def broken() -> int:
        raise KeyboardInterrupt

    parts = kept.Kept("judged", [])
    with pytest.raises(KeyboardInterrupt):
        parts.part("set a", broken)
    assert parts.part("set a", _counting(calls)) == 1
