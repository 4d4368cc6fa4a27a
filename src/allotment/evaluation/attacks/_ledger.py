"""What a run has done so far: one line for each thing that was tried, so that nothing is asked twice."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from allotment.evaluation.attacks._types import Attack, Result, Send
from allotment.workspace import Ledger

FILE = "ledger.jsonl"


class RunLedger:
    """The ledger of one run. What failed counts as not done, and is tried again."""

    def __init__(self, folder: Path) -> None:
        self._ledger = Ledger(folder / FILE)

    def keep(self, key: str, row: Mapping[str, Any]) -> None:
        """Write down how something ended."""
        self._ledger.append(key, {"at": round(time.time(), 3), **row}, sync=False)

    def is_done(self, key: str) -> bool:
        """Whether it was tried and did not fail."""
        return key in self._ledger and not is_failed(self._ledger.rows[key])

    def row(self, key: str) -> dict[str, Any] | None:
        """How it ended; none if it was not tried."""
        return self._ledger.rows[key] if key in self._ledger else None

    def rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Everything, in the order it was first tried."""
        return self._ledger.rows.in_order()

    def done(self) -> set[str]:
        """Keys of everything that was tried and did not fail."""
        return {key for key, row in self.rows() if not is_failed(row)}

    def sync(self) -> None:
        """Flush it to the disk."""
        self._ledger.sync()


def is_failed(row: Mapping[str, Any]) -> bool:
    """Whether a row says that nothing was found out."""
    return row.get("ending") == "failed"


def row_of(result: Result) -> dict[str, Any]:
    """A result as a line has it."""
    return asdict(result)


def result_in(row: Mapping[str, Any]) -> Result:
    """The result of a line."""
    return Result(**{name: row[name] for name in Result.__dataclass_fields__})


def attack_in(row: Mapping[str, Any]) -> Attack:
    """The attempt of a line that keeps it whole: those that were made as the run went on."""
    kept = dict(row["attack"])
    sends = tuple(_send(send) for send in kept.pop("sends"))
    return Attack(**kept, sends=sends)


def _send(kept: Mapping[str, Any]) -> Send:
    messages = tuple((str(role), str(text)) for role, text in kept["messages"])
    return Send(**{**kept, "messages": messages})
