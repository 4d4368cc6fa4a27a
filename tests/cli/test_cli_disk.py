"""A disk that is really full, met by a command: exit code 1, nothing lost, and the same command goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

from cli_call import Call

from small_disk import fill, small_disk


def test_a_full_disk_loses_nothing_and_the_same_command_goes_on_when_there_is_room(
    call: Call, small: Path, tmp_path: Path
) -> None:
    with small_disk(tmp_path / "disk", 512) as disk:
        root = disk / "project"
        shutil.copytree(small, root, ignore=shutil.ignore_patterns("disk"))
        assert call("-C", root, "documents", "ingest").code == 0
        before = (root / ".allotment" / "sections.jsonl").read_bytes()
        day = root / "documents" / "rules" / "day.md"
        day.write_text(
            day.read_text(encoding="utf-8") + "\nThe gate of Hall 4 is closed on Sunday.\n" * 40, encoding="utf-8"
        )
        ballast = fill(disk)
        full = call("-C", root, "documents", "ingest")
        assert full.code == 1
        assert "No space left on device" in full.err
        assert "Free some disk space" in full.err
        assert (root / ".allotment" / "sections.jsonl").read_bytes() == before
        ballast.unlink()
        assert call("-C", root, "documents", "ingest").code == 0
        assert b"Sunday" in (root / ".allotment" / "sections.jsonl").read_bytes()
