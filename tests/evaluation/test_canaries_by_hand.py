"""Canaries whose readers were said by hand: planted ones and those the company writes down itself."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from allotment.documents import WorkerPool, ingest
from allotment.errors import ProjectError
from allotment.evaluation.canaries import find_canaries, misplaced, plant
from allotment.project import Project, load_project
from allotment.workspace import Workspace

SECRET = {"value": "QX-70613", "readers": ["boss"], "question": "What is the number of the safe?"}
TEXT = "# Work\n\nWork begins at the door. Everybody signs the book, puts on a vest, and asks which gate is open.\n"


def company(root: Path, *, plans_for: tuple[str, ...] = ("boss",), said: str = "") -> Project:
    """Rules for both roles, plans for some; ``said`` stands in the rules."""
    for name in ("rules", "plans"):
        (root / name).mkdir(exist_ok=True)
        (root / name / "work.md").write_text(TEXT, encoding="utf-8")
    if said:
        (root / "rules" / "safe.md").write_text(f"{TEXT}\nThe number of the safe is {said}.\n", encoding="utf-8")
    config = {
        "name": "Small",
        "roles": {"clerk": "works", "boss": "decides"},
        "documents": {
            "rules": {"path": "rules", "readers": ["clerk", "boss"]},
            "plans": {"path": "plans", "readers": list(plans_for)},
        },
        "agents": {"rules": {"roles": ["clerk", "boss"], "documents": ["rules"]}},
    }
    (root / "allotment.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return load_project(root)


def declare(project: Project, *rows: object) -> None:
    (project.root / "canaries.yaml").write_text(yaml.safe_dump(list(rows)), encoding="utf-8")


def test_what_a_company_declares_is_a_canary_of_the_roles_it_names(tmp_path: Path, workers: WorkerPool) -> None:
    project = company(tmp_path)
    declare(project, SECRET)
    ingest(project, Workspace(tmp_path), workers=workers)
    found = [one for one in find_canaries(project, Workspace(tmp_path), None).canaries if one.origin == "declared"]
    assert [(one.value, one.readers, one.source) for one in found] == [("QX-70613", {"boss"}, "canaries.yaml")]


def test_a_declared_value_that_cannot_be_used_is_told_and_never_left_out_in_silence(
    tmp_path: Path, workers: WorkerPool
) -> None:
    project = company(tmp_path)
    declare(project, SECRET, {**SECRET, "value": "KD-20418", "question": "What does the safe QX-70613 hold?"})
    ingest(project, Workspace(tmp_path), workers=workers)
    found = find_canaries(project, Workspace(tmp_path), None)
    declared = [one for one in found.canaries if one.origin == "declared"]
    told = [sentence for sentence in found.lacking if sentence.startswith("canaries.yaml: ")]
    assert (len(declared), len(told)) == (1, 1)
    assert "was not tried" in told[0]


def test_a_document_labelled_for_too_many_is_told_by_what_was_declared(tmp_path: Path, workers: WorkerPool) -> None:
    project = company(tmp_path, said="QX-70613")
    declare(project, SECRET)
    workspace = Workspace(tmp_path)
    ingest(project, workspace, workers=workers)
    canaries = find_canaries(project, workspace, None).canaries
    assert [one.readers for one in canaries] == [{"boss"}]  # the label makes nobody a reader of it
    assert list(misplaced(project, workspace, canaries)) == [
        "rules/safe.md may be read by clerk, and says what only boss may know"
    ]


def test_a_set_opened_to_others_after_planting_is_told_by_its_page(tmp_path: Path, workers: WorkerPool) -> None:
    workspace = Workspace(tmp_path)
    plant(company(tmp_path), workspace, seed=1)
    project = company(tmp_path, plans_for=("boss", "clerk"))
    ingest(project, workspace, workers=workers)
    canaries = find_canaries(project, workspace, None).canaries
    assert {one.readers for one in canaries} == {frozenset({"boss"})}
    assert "invented-facts.md may be read by clerk" in "".join(misplaced(project, workspace, canaries))


def test_nothing_is_told_where_every_document_is_labelled_as_declared(tmp_path: Path, workers: WorkerPool) -> None:
    workspace = Workspace(tmp_path)
    project = company(tmp_path)
    declare(project, SECRET)
    plant(project, workspace, seed=1)
    ingest(project, workspace, workers=workers)
    canaries = find_canaries(project, workspace, None).canaries
    assert {one.origin for one in canaries} == {"planted", "declared"}
    assert list(misplaced(project, workspace, canaries)) == []


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({**SECRET, "readers": ["chief"]}, "not declared: chief"),
        ({**SECRET, "question": "Is it QX 70613?"}, "its question says the value"),
        ({**SECRET, "value": SECRET["value"].lower(), "readers": []}, "has the value of entry 1 again"),
        ({"value": "QX-70613", "question": "What is it?"}, "cannot be read"),
        ({**SECRET, "colour": "red"}, "cannot be read"),
        ("QX-70613", "cannot be read"),
    ],
)
def test_a_list_that_is_wrong_is_an_error_and_never_a_shorter_list(
    tmp_path: Path, workers: WorkerPool, row: object, told: str
) -> None:
    project = company(tmp_path)
    declare(project, SECRET, row)
    ingest(project, Workspace(tmp_path), workers=workers)
    with pytest.raises(ProjectError, match=told):
        find_canaries(project, Workspace(tmp_path), None)
