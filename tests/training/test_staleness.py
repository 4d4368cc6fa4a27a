"""An adapter is stale as soon as a document it learnt is not on the disk as it was, ingested or not."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from allotment.errors import DatasetError, ManifestError
from allotment.project import Project, load_project
from allotment.training import UNGATED, current_adapter, run
from allotment.workspace import Workspace
from project_copy import copy_project
from sealed_adapter import seal

PLAN = Path("documents/board/acquisition-plan.md")


@pytest.fixture
def sealed(taught: Project, tmp_path: Path) -> Project:
    """The taught company in a folder of its own, with an adapter of the board and one of the handbook."""
    project = copy_project(taught, tmp_path / "project", "adapters")
    for agent in ("board", "handbook"):
        seal(project, Workspace(project.root), agent)
    return project


def is_stale(project: Project, agent: str = "board") -> bool:
    return current_adapter(project, Workspace(project.root), agent).facts.stale


def test_a_document_that_was_edited_makes_the_adapters_that_learnt_it_stale_and_no_others(sealed: Project) -> None:
    assert not is_stale(sealed)
    file = sealed.root / PLAN
    before = file.read_bytes()
    file.write_bytes(before + b"\nOne more line.\n")
    assert is_stale(sealed)
    assert not is_stale(sealed, "handbook")
    file.write_bytes(before)
    assert not is_stale(sealed)


def test_a_document_that_was_deleted_makes_the_adapter_stale(sealed: Project) -> None:
    (sealed.root / PLAN).unlink()
    assert is_stale(sealed)


def test_a_document_that_was_labelled_anew_in_its_front_matter_makes_the_adapter_stale(sealed: Project) -> None:
    file = sealed.root / "documents" / "handbook" / "computers.md"
    text = file.read_text(encoding="utf-8")
    file.write_text("---\nreaders: [director]\n---\n" + text, encoding="utf-8")
    assert is_stale(sealed, "handbook")


def test_an_edit_that_keeps_size_and_time_is_noticed_too(sealed: Project) -> None:
    file = sealed.root / PLAN
    assert not is_stale(sealed)
    kept = file.stat()
    file.write_bytes(file.read_bytes().replace(b"a", b"b", 1))
    os.utime(file, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    assert file.stat().st_size == kept.st_size
    assert is_stale(sealed)


def test_a_document_that_was_only_touched_or_written_again_is_the_same(sealed: Project) -> None:
    file = sealed.root / PLAN
    copy = file.with_suffix(".copy")
    shutil.copy(file, copy)
    copy.replace(file)
    os.utime(file)
    assert not is_stale(sealed)


def test_nothing_is_trained_from_a_document_that_was_not_ingested_as_it_is(sealed: Project) -> None:
    items = Workspace(sealed.root).dataset_dir("board") / "items.jsonl"
    assert PLAN.as_posix() in items.read_text(encoding="utf-8")
    (sealed.root / PLAN).write_text("# Another plan\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="acquisition-plan"):
        run(sealed, Workspace(sealed.root), "board", gate=UNGATED)


def test_an_adapter_is_refused_once_another_base_model_lies_where_its_own_lay(taught: Project, tmp_path: Path) -> None:
    base = tmp_path / "gemma-own.gguf"
    base.write_bytes(b"GGUF one")
    root = copy_project(taught, tmp_path / "project", "adapters").root
    declared = root / "allotment.yaml"
    text = declared.read_text(encoding="utf-8")
    declared.write_text(text.replace("base: gemma-3-270m", f"base: {base}"), encoding="utf-8")
    project = load_project(root)
    seal(project, Workspace(root), "board")
    assert not is_stale(project)
    base.write_bytes(b"GGUF two")
    with pytest.raises(ManifestError, match="trained on another base model"):
        current_adapter(project, Workspace(root), "board")
