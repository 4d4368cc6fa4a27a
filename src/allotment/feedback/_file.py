"""``FeedbackLedger``: what was decided about marks, in one append-only file whose lines are sealed.

The last line about a decision counts. A line torn by a crash was never written; any other that this project did not
write stops whoever reads: nothing is learnt from a file that is not understood.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from allotment.errors import IntegrityError
from allotment.feedback._types import Decided, LabelledItem
from allotment.workspace import Ledger, Workspace

_KEY = "feedback.key"
_REMEDY = "Restore the file from a backup. Only `allotment feedback approve` and `reject` write it."


class FeedbackLedger:
    """Decisions about marks, of one project. Several processes may decide at once."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._path = workspace.feedback_file

    def decided(self) -> dict[int, Decided]:
        """The last decision about each mark, by the number of the audit record that was marked.

        Raises:
            IntegrityError: a line is not what was written.
        """
        if not self._path.exists():
            return {}
        with self._workspace.lock("feedback"):
            return self._read()

    def approved(self) -> list[LabelledItem]:
        """What may be learnt, in the order in which it was first decided about. Errors as ``decided``."""
        return [one.item for one in self.decided().values() if one.item is not None]

    def decide(self, decision: int, make: Callable[[Decided | None], Decided]) -> Decided:
        """Write one decision; it is on the disk when this returns.

        Args:
            decision: number of the audit record that was marked.
            make: gets what is decided so far, and gives the new decision; nobody else decides meanwhile. What it
                raises is raised, and nothing is written.

        Raises:
            IntegrityError: the file is not what was written; nothing is added to it.
            StorageError: it cannot be written.
        """
        with self._workspace.lock("feedback"):
            made = make(self._read().get(decision))
            row = made.model_dump(mode="json")
            Ledger(self._path).append(str(decision), {**row, "seal": self._seal(row)})
        return made

    def _read(self) -> dict[int, Decided]:
        return {int(key): self._genuine(key, row) for key, row in Ledger(self._path).rows.items()}

    def _genuine(self, key: str, row: dict[str, Any]) -> Decided:
        told = {name: value for name, value in row.items() if name not in ("key", "seal")}
        try:
            if not hmac.compare_digest(self._seal(told), str(row.get("seal"))):
                raise ValueError("the seal does not fit")
            found = Decided.model_validate_json(json.dumps(told))
            if str(found.decision) != key:
                raise ValueError("it stands under another number")
        except (ValueError, ValidationError):
            raise IntegrityError(
                "is not what was decided.", element=f"{self._path}, key {key}", remedy=_REMEDY
            ) from None
        return found

    def _seal(self, row: dict[str, Any]) -> str:
        text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hmac.new(self._workspace.secret(_KEY).encode(), text.encode(), hashlib.sha256).hexdigest()
