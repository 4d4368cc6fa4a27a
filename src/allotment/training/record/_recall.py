"""Recall of a version before and after it learnt, as it was measured last; figures alone, no question and no answer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from allotment.workspace import Workspace, write_atomic


@dataclass(frozen=True)
class RecallRecord:
    """Base model and adapter on the same held-out questions."""

    adapter_sha256: str
    """Of the version's file: a figure of another file under the same name counts for nothing."""
    measured: str
    """UTC, ISO 8601."""
    questions: int
    before: int
    """Answered right by the base model."""
    after: int
    """Answered right by the adapter."""
    before_interval: tuple[float, float]
    """Of the share, 95 %."""
    after_interval: tuple[float, float]


def keep_recall(workspace: Workspace, agent: str, version: str, record: RecallRecord) -> None:
    """Keep what was measured of a version, in place of what was before.

    Raises:
        StorageError: it cannot be written.
    """
    write_atomic(_file(workspace, agent, version), json.dumps(asdict(record), indent=1))


def read_recall(workspace: Workspace, agent: str, version: str, adapter_sha256: str) -> RecallRecord | None:
    """What was measured of a version; none where nothing was, or of another file, or where it cannot be read."""
    try:
        row = json.loads(_file(workspace, agent, version).read_text(encoding="utf-8"))
        intervals = {key: (float(row[key][0]), float(row[key][1])) for key in ("before_interval", "after_interval")}
        record = RecallRecord(**{**row, **intervals})
    except (OSError, ValueError, TypeError, KeyError, IndexError):
        return None
    return record if record.adapter_sha256 == adapter_sha256 else None


def now() -> str:
    """This moment as a record has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _file(workspace: Workspace, agent: str, version: str) -> Path:
    return workspace.home / "recall" / agent / f"{version}.json"
