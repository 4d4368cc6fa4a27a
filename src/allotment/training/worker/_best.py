"""The weights with the lowest loss on held-out documents, kept beside those that train on."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from allotment.training._methods import trained_tensors
from allotment.training._ranks import fill, is_first, whole
from allotment.training.worker import _checkpoint
from allotment.training.worker._watch import read_rows


class Best:
    """Keeps them in a file, so that another process can go on; every process that shares a training calls all of it."""

    def __init__(self, trainer: Any, out: Path, *, kept: bool) -> None:
        """``kept``: whether weights are kept at all, or only the losses looked at."""
        self._trainer, self._kept = trainer, kept  # whose model is another one once it is divided among cards
        self._file = out / "best.safetensors"
        self._metrics = out / "metrics.jsonl"

    def before(self, checkpoint: Path | None) -> tuple[float, int]:
        """The lowest loss an earlier process saw, and how many evaluations it made since."""
        if checkpoint is None or not self._file.exists():
            return math.inf, 0
        step = _checkpoint.step_of(checkpoint)
        seen = {row["step"]: row["held_out_loss"] for row in self._evaluations() if row["step"] <= step}
        losses = [seen[key] for key in sorted(seen)]
        return (min(losses), len(losses) - 1 - losses.index(min(losses))) if losses else (math.inf, 0)

    def keep(self, loss: float, step: int) -> None:
        """These weights are the best so far."""
        if not self._kept:
            return
        tensors = whole(trained_tensors(self._trainer.model))
        if not is_first():
            return
        partial = self._file.with_name(f".{self._file.name}")
        save_file(tensors, str(partial), metadata={"loss": repr(loss), "step": str(step)})
        partial.replace(self._file)

    def restore(self) -> float | None:
        """Put the best weights back; their loss, or the last where none were kept, or none without held-out items."""
        rows = self._evaluations()
        if not rows:
            return None
        if not self._file.exists():
            return float(rows[-1]["held_out_loss"])
        fill(trained_tensors(self._trainer.model), load_file(str(self._file)))
        return min(float(row["held_out_loss"]) for row in rows)

    def _evaluations(self) -> list[dict[str, Any]]:
        return [row for row in read_rows(self._metrics) if "held_out_loss" in row]
