"""The run of an experiment that an adapter is made from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ExperimentOrigin:
    """A run of an experiment, and why it was taken. Its settings are those of the project it is trained with."""

    id: str
    """``EXPERIMENT/RUN``."""
    file_sha256: str
    """Of the experiment's file when it ran."""
    decided_by: str
    """What runs were compared by."""
    value: float | None
    """What this run reached; none if it is not known."""
    reason: str
    """Why it was taken, in words."""
    inputs: str
    """Hash of what it was made from, see ``training_inputs``."""
    work: Path | None
    """Its finished training; none if that is not here."""
    measured: dict[str, Any]
    predicted: dict[str, Any]

    @property
    def record(self) -> dict[str, Any]:
        """For the manifest."""
        return {
            "id": self.id,
            "file_sha256": self.file_sha256,
            "decided_by": self.decided_by,
            "value": self.value,
            "reason": self.reason,
        }
