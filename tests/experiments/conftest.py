"""The example company on a base model so small that a training takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from allotment.project import Project, load_project
from allotment.training._base import weights_folder
from allotment.workspace import Workspace, hash_file
from project_copy import copy_project
from tiny_gguf import write_tiny_gguf


@pytest.fixture(scope="session")
def tiny_company(taught: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The taught company whose base model is tiny; its weights are converted. Not to be altered."""
    root = tmp_path_factory.mktemp("tiny-company") / "project"
    copy_project(taught, root, "adapters", "experiments")
    base = write_tiny_gguf(root / "base.gguf", "qwen2")
    weights_folder(base, hash_file(base))
    declared = (root / "allotment.yaml").read_text(encoding="utf-8")
    declared = declared.replace("base: gemma-3-270m", "base: base.gguf")
    (root / "allotment.yaml").write_text(declared, encoding="utf-8")
    return load_project(root)


@pytest.fixture
def company(tiny_company: Project, tmp_path: Path) -> Project:
    """A copy of it, for one test."""
    return copy_project(tiny_company, tmp_path / "project")


@pytest.fixture
def workspace(company: Project) -> Workspace:
    """Its workspace."""
    return Workspace(company.root)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trainings of a tiny model are faster so, and leave the machine to others."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
