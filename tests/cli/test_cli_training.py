"""Adapters in the list, one at a time, and what a manifest that is not as it was written does to the commands."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_call import Call

from allotment.project import Project
from allotment.workspace import Workspace
from project_copy import copy_project
from sealed_adapter import seal


@pytest.fixture
def sealed(taught: Project, tmp_path: Path) -> Path:
    """The taught company with an adapter of the board and one of the handbook."""
    project = copy_project(taught, tmp_path / "project", "adapters")
    for agent in ("board", "handbook"):
        seal(project, Workspace(project.root), agent)
    return project.root


@pytest.fixture
def manifest(sealed: Path) -> Path:
    """The manifest file of the board's adapter."""
    return Workspace(sealed).adapters_dir("board") / "v1" / "manifest.json"


def edit(manifest: Path) -> None:
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"director"', '"employee"', 1), encoding="utf-8")


def cut_short(manifest: Path) -> None:
    manifest.write_bytes(manifest.read_bytes()[:200])


def test_a_sealed_adapter_is_shown_and_listed_as_ready(call: Call, sealed: Path) -> None:
    shown = call("-C", sealed, "training", "show", "board/v1", "--json").json()
    assert (shown["agent"], shown["clearance"]) == ("board", ["director"])
    rows = call("-C", sealed, "training", "list", "--json").json()
    assert {row["id"]: row["state"] for row in rows} == {"board/v1": "ready", "handbook/v1": "ready"}


def test_an_edited_manifest_is_exit_code_3_and_names_what_mends_it(call: Call, sealed: Path, manifest: Path) -> None:
    edit(manifest)
    outcome = call("-C", sealed, "training", "show", "board/v1")
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.err.startswith("Error: board/v1: the adapter's manifest was edited")
    assert "allotment training run board" in outcome.err


def test_an_edited_manifest_is_listed_as_refused_beside_the_others(call: Call, sealed: Path, manifest: Path) -> None:
    edit(manifest)
    outcome = call("-C", sealed, "training", "list", "--json")
    rows = {row["id"]: row for row in outcome.json()}
    assert outcome.code == 0
    assert (rows["board/v1"]["state"], rows["board/v1"]["clearance"]) == ("refused", [])
    assert "was edited" in rows["board/v1"]["reason"]
    assert rows["handbook/v1"]["state"] == "ready"
    assert "refused" in call("-C", sealed, "training", "list").out


@pytest.mark.parametrize("spoil", [edit, cut_short])
def test_one_spoilt_manifest_takes_the_estimate_from_no_agent(
    call: Call, sealed: Path, manifest: Path, spoil: object
) -> None:
    assert call("-C", sealed, "training", "estimate", "handbook", "--json").json()["tokens_per_second"] == 100.0
    spoil(manifest)  # type: ignore[operator]
    for agent in ("handbook", "board"):
        outcome = call("-C", sealed, "training", "estimate", agent, "--json")
        assert (outcome.code, outcome.json()["tokens_per_second"]) == (0, 100.0)


def test_a_rate_nobody_vouches_for_is_unknown(call: Call, sealed: Path, manifest: Path) -> None:
    shutil.rmtree(Workspace(sealed).adapters_dir("handbook"))
    edit(manifest)
    assert call("-C", sealed, "training", "estimate", "board", "--json").json()["tokens_per_second"] is None


def test_a_changed_document_is_listed_as_stale(call: Call, sealed: Path) -> None:
    (sealed / "documents" / "board" / "acquisition-plan.md").unlink()
    rows = call("-C", sealed, "training", "list", "--json").json()
    assert {row["id"]: row["state"] for row in rows} == {"board/v1": "stale", "handbook/v1": "ready"}
