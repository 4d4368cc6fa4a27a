"""Becomes the launcher of a training on several cards: ``python -m allotment.experiments._several SPEC``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from allotment.experiments._supervise import read_json
from allotment.project import TrainingConfig
from allotment.training._launch import command


def main(spec: Path) -> None:
    """Take the launcher's place; there is no way back."""
    config = TrainingConfig.model_validate(read_json(spec)["training"])
    words = command(config, spec, spec.parent)
    os.execvp(words[0], words)  # noqa: S606 - the launcher's own words


if __name__ == "__main__":
    main(Path(sys.argv[1]))
