"""What was measured of a version's recall is kept, and counts for that very file alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from allotment.training.record._recall import RecallRecord, keep_recall, now, read_recall
from allotment.workspace import Workspace

RECORD = RecallRecord("f" * 64, now(), 40, 4, 31, (0.04, 0.23), (0.63, 0.88))


def test_a_record_is_read_back_for_the_file_it_is_of(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    keep_recall(workspace, "board", "v2", RECORD)
    assert read_recall(workspace, "board", "v2", "f" * 64) == RECORD
    assert read_recall(workspace, "board", "v2", "0" * 64) is None
    assert read_recall(workspace, "board", "v1", "f" * 64) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", '{"adapter_sha256": "f"}', '{"before_interval": [1], "after_interval": [1, 2]}']
)
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    workspace = Workspace(tmp_path)
    keep_recall(workspace, "board", "v2", RECORD)
    (workspace.home / "recall" / "board" / "v2.json").write_text(text, encoding="utf-8")
    assert read_recall(workspace, "board", "v2", "f" * 64) is None
