"""Before a training: room for its checkpoints, and for the base model's fp32 weights where those are kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from allotment.errors import TrainingError
from allotment.project import Project, load_project
from allotment.training import UNGATED, run
from allotment.training._base import fp32_bytes
from allotment.workspace import Workspace
from project_copy import copy_project
from small_disk import small_disk

BASE_BYTES = 100_000_000


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MiB."""
    with small_disk(tmp_path / "disk", 16 * 1024) as folder:
        yield folder


def copy_of(taught: Project, root: Path, base: Path) -> Project:
    """The taught company on a base model of 100 MB that takes no space."""
    copy_project(taught, root, "adapters", "database")
    with base.open("wb") as file:
        file.truncate(BASE_BYTES)
    declared = root / "allotment.yaml"
    text = declared.read_text(encoding="utf-8")
    declared.write_text(text.replace("base: gemma-3-270m", f"base: {base}"), encoding="utf-8")
    return load_project(root)


def test_a_full_disk_of_the_project_stops_a_training_before_it_begins(
    taught: Project, disk: Path, tmp_path: Path
) -> None:
    project = copy_of(taught, disk / "project", tmp_path / "gemma-own.gguf")
    with pytest.raises(TrainingError, match=r"disk/project: 0\.\d+ GB of disk are free, 0\.60 GB are needed") as caught:
        run(project, Workspace(project.root), "board", gate=UNGATED)
    assert (caught.value.kind, caught.value.exit_code) == ("infrastructure", 1)


def test_a_full_disk_of_the_models_stops_a_training_before_it_begins(
    taught: Project, disk: Path, tmp_path: Path
) -> None:
    project = copy_of(taught, tmp_path / "project", disk / "gemma-own.gguf")
    with pytest.raises(TrainingError, match=r"/disk: 0\.\d+ GB of disk are free, 0\.43 GB are needed"):
        run(project, Workspace(project.root), "board", gate=UNGATED)


@pytest.mark.parametrize("method", ["full", "partial"])
def test_a_method_that_keeps_whole_weights_needs_room_for_three_of_them_and_the_optimizers_states(
    taught: Project, disk: Path, tmp_path: Path, method: str
) -> None:
    project = copy_of(taught, disk / "project", tmp_path / "gemma-own.gguf")
    unfrozen = ("norm",) if method == "partial" else ()
    training = project.training.model_copy(update={"method": method, "unfrozen": unfrozen})
    needed = f"{9 * fp32_bytes(BASE_BYTES) / 1e9:.2f} GB are needed"
    with pytest.raises(TrainingError, match=re.escape(needed)):
        run(project.model_copy(update={"training": training}), Workspace(project.root), "board", gate=UNGATED)
