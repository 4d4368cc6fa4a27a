"""A training that reports, without the training: ``tracking.py FOLDER RUN NAMES``. Prints what it saw as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SECRET = "Dock 3 has the code K1."
"""Text of an example; no tracker may have it."""


def main(folder: Path, run: str, names: list[str]) -> None:
    """Open, log what a training logs and more than it should, close."""
    reached: list[str] = []
    sys.addaudithook(lambda event, values: _note(event, values, reached))
    from allotment.project import TrainingConfig
    from allotment.training.worker._trackers import open_trackers

    warnings: list[str] = []
    settings = {**TrainingConfig(rank=4, seed=11).model_dump(mode="json"), "masked_example": SECRET, "api_key": SECRET}
    trackers = open_trackers(names, run, settings, folder, warnings.append)
    for step in range(1, 4):
        for tracker in trackers:
            tracker.log(step, {"step": step, "loss": 3.0 / step, "mfu": None, "detail": SECRET, "spike": float("nan")})
    for tracker in trackers:
        tracker.log(3, {"step": 3, "epoch": 1.0, "held_out_loss": 1.25})
        tracker.close()
    print(json.dumps({"warnings": warnings, "reached": reached}))


def _note(event: str, values: tuple[Any, ...], reached: list[str]) -> None:
    if event == "socket.getaddrinfo":
        reached.append(str(values[0]))
    if event == "socket.connect" and isinstance(values[1], tuple):
        reached.append(str(values[1][0]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
