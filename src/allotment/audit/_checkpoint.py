"""The checkpoint: stands for the beginning of the record that was removed, sealed with the key.

It names the last record removed and the record that says so, which stays. One who has the database alone can neither
make one nor move it.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from allotment.audit._chain import GENESIS, seal
from allotment.errors import IntegrityError


@dataclass(frozen=True)
class Checkpoint:
    """Where the record begins: after ``sequence``, whose MAC was ``mac``."""

    sequence: int = 0
    mac: str = GENESIS
    record: int = 0
    """Number of the record that tells of the removal; 0 where nothing was removed."""

    def seal(self, key: str) -> str:
        """The seal only this project's key makes."""
        return seal(key, "checkpoint", [self.sequence, self.mac, self.record])

    def is_told_by(self, event: Mapping[str, Any]) -> bool:
        """Whether an event says that exactly this was removed."""
        detail = event.get("detail")
        told = (detail.get("through"), detail.get("through_mac")) if isinstance(detail, Mapping) else None
        return event.get("kind") == "pruned" and told == (self.sequence, self.mac)


BEGINNING = Checkpoint()
"""Where a record begins of which nothing was removed."""


CHECKPOINT = "SELECT sequence, mac, record, seal FROM audit.checkpoint LIMIT 2"
"""The query ``checked`` reads."""


def checked(rows: Sequence[tuple[Any, ...]], key: str) -> Checkpoint:
    """Where the record begins.

    Raises:
        IntegrityError: what stands there is not what was written.
    """
    if not rows:
        return BEGINNING
    sequence, mac, record, found = rows[0]
    checkpoint = Checkpoint(sequence, mac, record)
    if len(rows) > 1 or not hmac.compare_digest(str(found).encode(), checkpoint.seal(key).encode()):
        raise IntegrityError(
            "the checkpoint that stands for the removed beginning is not what was written.",
            element="audit record",
            remedy="Run `allotment audit verify`; restore the table audit.checkpoint from a backup.",
        )
    return checkpoint
