"""Planting invented facts: what they are, where they are written, and what is never touched."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from allotment.documents import WorkerPool, find_files, ingest
from allotment.errors import InputError, ProjectError
from allotment.evaluation.canaries import find_canaries, plant, planted_rows, uproot
from allotment.evaluation.canaries._places import PAGE
from allotment.project import Project, load_project
from allotment.workspace import Workspace

TEXT = (
    "# Work\n\nWork begins at the door. Everybody signs the book, puts on a vest, and asks which gate is open today.\n"
)


def company(root: Path, **documents: Any) -> tuple[Project, Workspace]:
    """A project of two roles with these sets; ``plans`` for the boss and ``rules`` for both where none are given."""
    sets = documents or {"rules": {}, "plans": {"readers": ["boss"]}}
    declared = {
        name: {"path": f"documents/{name}", "readers": ["clerk", "boss"], **more} for name, more in sets.items()
    }
    for each in declared.values():
        folder = root / each["path"]
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not (folder.exists() or folder.is_symlink()):
            folder.mkdir()
            (folder / "work.md").write_text(TEXT, encoding="utf-8")
    roles = {"clerk": "works", "boss": "decides"}
    agents = {name: {"roles": each["readers"], "documents": [name]} for name, each in declared.items()}
    config = {"name": "Small", "roles": roles, "documents": declared, "agents": agents}
    (root / "allotment.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return load_project(root), Workspace(root)


def pages(project: Project) -> list[Path]:
    return sorted(project.root.rglob(PAGE))


def test_every_set_gets_a_page_that_is_read_as_its_own(tmp_path: Path) -> None:
    project, workspace = company(tmp_path)
    planted = plant(project, workspace, facts=5, seed=1)
    assert [(item.document_set, item.facts) for item in planted] == [("plans", 5), ("rules", 5)]
    found = {item.id: (item.document_set, item.refused) for item in find_files(project)}
    assert all(found[item.page] == (item.document_set, "") for item in planted)


def test_the_same_seed_writes_the_same_page_and_another_another(tmp_path: Path) -> None:
    project, workspace = company(tmp_path)
    texts = []
    for seed in (1, 1, 2, None, None):
        plant(project, workspace, seed=seed)
        texts.append([page.read_text(encoding="utf-8") for page in pages(project)])
    assert texts[0] == texts[1] != texts[2] != texts[3] == texts[4]


def test_no_value_and_no_name_is_planted_twice(tmp_path: Path) -> None:
    project, workspace = company(tmp_path, **{name: {} for name in "abcdefgh"})
    plant(project, workspace, facts=40, seed=1)
    rows = planted_rows(workspace)
    assert len(rows) == 320 == len({row["value"] for row in rows}) == len({row["question"] for row in rows})
    assert all(row["value"] in row["sentence"] and row["value"] not in row["question"] for row in rows)


@pytest.mark.parametrize("facts", [0, -1, 41])
def test_a_number_of_facts_out_of_bounds_is_refused(tmp_path: Path, facts: int) -> None:
    project, workspace = company(tmp_path)
    with pytest.raises(ProjectError, match="from 1 to 40"):
        plant(project, workspace, facts=facts)
    assert pages(project) == []


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        ({"a": {"path": "documents/all"}, "b": {"path": "documents/all", "readers": ["boss"]}}, "a and b"),
        ({"a": {"path": "documents"}, "b": {"path": "documents/b", "readers": ["boss"]}}, "a and b"),
        ({"a": {"include": ["**/*.txt"]}}, "leaves the page"),
        ({"a": {"exclude": ["invented*"]}}, "leaves the page"),
        ({"a": {}, "b": {"path": "documents/a/work.md"}}, "this set is none"),
    ],
)
def test_a_set_whose_page_would_not_be_its_own_is_refused_and_nothing_written(
    tmp_path: Path, sets: dict[str, Any], says: str
) -> None:
    project, workspace = company(tmp_path, **sets)
    with pytest.raises(InputError, match=says):
        plant(project, workspace)
    assert pages(project) == []
    assert planted_rows(workspace) == ()


def test_no_page_is_written_through_a_link(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "project"
    (root / "documents").mkdir(parents=True)
    (root / "documents" / "plans").symlink_to(elsewhere)
    project, workspace = company(root)
    with pytest.raises(InputError, match="is a link"):
        plant(project, workspace)
    assert list(elsewhere.iterdir()) == []
    assert pages(project) == []


@pytest.mark.parametrize("what", ["file", "link", "folder", "unreadable"])
def test_whatever_else_has_a_pages_name_stays_as_it_is(tmp_path: Path, what: str) -> None:
    project, workspace = company(tmp_path)
    there, own = tmp_path / "documents" / "plans" / PAGE, tmp_path / "own.md"
    own.write_text("my own\n", encoding="utf-8")
    if what == "link":
        there.symlink_to(own)
    elif what == "folder":
        there.mkdir()
    else:
        there.write_text("my own\n", encoding="utf-8")
    if what == "unreadable":
        there.chmod(0)
    for call in (plant, uproot):
        with pytest.raises(InputError):
            call(project, workspace)
    assert own.read_text(encoding="utf-8") == "my own\n"
    assert there.is_symlink() == (what == "link")
    assert not (tmp_path / "documents" / "rules" / PAGE).exists()


def test_taking_away_leaves_nothing_of_it_even_of_a_set_that_is_gone(tmp_path: Path) -> None:
    project, workspace = company(tmp_path)
    before = sorted(path for path in (tmp_path / "documents").rglob("*"))
    plant(project, workspace)
    project, _ = company(tmp_path, rules={})
    assert uproot(project, workspace) == ("documents/plans/invented-facts.md", "documents/rules/invented-facts.md")
    assert sorted(path for path in (tmp_path / "documents").rglob("*")) == before
    assert uproot(project, workspace) == ()
    assert planted_rows(workspace) == ()


def test_a_list_that_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    project, workspace = company(tmp_path)
    plant(project, workspace)
    for text in ("{", "[1]", '[{"document": "a"}]', "7", json.dumps({"a": 1})):
        (workspace.home / "evaluation" / "planted.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="--plant"):
            planted_rows(workspace)


def test_planted_facts_are_canaries_once_their_page_was_read(tmp_path: Path, workers: WorkerPool) -> None:
    project, workspace = company(tmp_path)
    ingest(project, workspace, workers=workers)
    plant(project, workspace, facts=4, seed=1)
    before = find_canaries(project, workspace, None)
    assert before.canaries == ()
    assert any("planted, but not read yet" in sentence for sentence in before.lacking)
    ingest(project, workspace, workers=workers)
    found = find_canaries(project, workspace, None)
    values = {row["value"] for row in planted_rows(workspace) if "plans" in row["document"]}
    assert {canary.value for canary in found.canaries} == values
    assert all(canary.readers == {"boss"} and canary.origin == "planted" for canary in found.canaries)


def test_facts_planted_anew_and_not_read_again_are_no_canaries(tmp_path: Path, workers: WorkerPool) -> None:
    project, workspace = company(tmp_path)
    plant(project, workspace, seed=1)
    ingest(project, workspace, workers=workers)
    plant(project, workspace, seed=2)
    found = find_canaries(project, workspace, None)
    assert [canary for canary in found.canaries if canary.origin == "planted"] == []
    assert any("were not read as they were planted" in sentence for sentence in found.lacking)


def test_a_run_that_is_killed_between_two_pages_is_mended_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, workspace = company(tmp_path)
    replace, left = os.replace, [2]

    def dying(source: Any, target: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying)
        with pytest.raises(KeyboardInterrupt):
            plant(project, workspace, seed=1)
    assert len(pages(project)) == 1
    assert len(plant(project, workspace, seed=1)) == len(pages(project)) == 2
