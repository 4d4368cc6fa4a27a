"""Going back, merging and exporting from the command line: what is said, and how each refusal ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_call import Call

from allotment.project import Project
from allotment.workspace import Workspace
from project_copy import copy_project
from sealed_adapter import seal


@pytest.fixture
def sealed(taught: Project, tmp_path: Path) -> Path:
    """The taught company with two versions of the board's adapter; the second is served."""
    project = copy_project(taught, tmp_path / "project", "adapters")
    for version in ("v1", "v2"):
        seal(project, Workspace(project.root), "board", version)
    return project.root


def test_a_rollback_says_what_is_served_now(call: Call, sealed: Path) -> None:
    outcome = call("-C", sealed, "training", "rollback", "board")
    assert outcome.code == 0
    assert outcome.out.startswith("board/v1 of ")
    assert outcome.out.endswith("in the place of v2, which is kept.\nIt may answer: director.\n")
    back = call("-C", sealed, "training", "rollback", "board", "--to", "v2", "--json").json()
    assert back == {"agent": "board", "served": "v2", "before": "v1", "clearance": ["director"]}


def test_a_rollback_to_what_is_not_there_is_exit_code_4_and_lists_what_is(call: Call, sealed: Path) -> None:
    outcome = call("-C", sealed, "training", "rollback", "board", "--to", "v7")
    assert (outcome.code, outcome.out) == (4, "")
    assert "There are: v1, v2." in outcome.err


@pytest.mark.parametrize(
    "command",
    [
        ("rollback", "board"),
        ("export", "board/v1", "--output", "out"),
        ("export", "board/v1", "--output", "out", "--for", "vllm"),
        ("merge", "board/v1", "--output", "out"),
    ],
)
def test_an_edited_version_is_exit_code_3_for_each_of_them(
    call: Call, sealed: Path, command: tuple[str, ...], tmp_path: Path
) -> None:
    manifest = Workspace(sealed).adapters_dir("board") / "v1" / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8").replace('"director"', '"employee"'), encoding="utf-8")
    words = [str(tmp_path / word) if word == "out" else word for word in command]
    outcome = call("-C", sealed, "training", *words)
    assert (outcome.code, outcome.out) == (3, "")
    assert not (tmp_path / "out").exists()


def test_an_export_says_whom_it_may_answer(call: Call, sealed: Path, tmp_path: Path) -> None:
    outcome = call("-C", sealed, "training", "export", "board/v1", "--output", tmp_path / "out")
    assert outcome.code == 0
    assert "It may answer: director, and nobody else." in outcome.out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"adapter.gguf", "manifest.json", "README.md"}


def test_what_vllm_cannot_serve_is_exit_code_1_with_the_way_out(call: Call, sealed: Path, tmp_path: Path) -> None:
    outcome = call("-C", sealed, "training", "export", "board/v1", "--output", tmp_path / "out", "--for", "vllm")
    assert (outcome.code, outcome.out) == (1, "")
    assert "vLLM cannot serve it" in outcome.err
    assert "allotment training merge board/v1" in outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ("export", "board", "--output", "x"),
        ("export", "board/v1", "--output", "x", "--max-rank", "32"),
        ("export", "board/v1", "--output", "x", "--for", "vllm", "--max-rank", "17"),
        ("merge", "nobody/v1", "--output", "x"),
        ("rollback", "nobody"),
    ],
)
def test_a_wrong_call_is_exit_code_2(call: Call, sealed: Path, words: tuple[str, ...]) -> None:
    assert call("-C", sealed, "training", *words).code == 2
