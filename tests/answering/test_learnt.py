"""A new version of an adapter is met with what it learnt, without a restart."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from allotment.access import Policy, Principal
from allotment.answering import Knowledge
from allotment.answering._learnt import Learnt
from allotment.dataset import load_items
from allotment.errors import DatasetError
from allotment.project import Project
from allotment.routing import Route
from allotment.workspace import Workspace, write_atomic
from project_copy import copy_project
from sealed_adapter import seal

DIRECTOR = Principal("dana", "director")


def test_a_new_version_brings_its_questions_sections_and_terms(taught: Project, tmp_path: Path) -> None:
    project = copy_project(taught, tmp_path / "project")
    workspace = Workspace(project.root)
    file = workspace.dataset_dir("board") / "items.jsonl"
    lines = file.read_text(encoding="utf-8")
    known = [one for one in load_items(workspace, "board") if one.split == "train" and one.is_fact]
    late = known[-1].document
    kept = [line for line in lines.splitlines(True) if f'"{late}"' not in line]
    write_atomic(file, "".join(kept))
    first = seal(project, workspace, "board", "v1")
    learnt = Learnt(partial(Knowledge, project, workspace, Policy.of(project)), [first])
    before = learnt.fitting(first)
    far = before.support("board").support(known[-1].question, known[-1].answer)
    assert far is None or not far.holds

    write_atomic(file, lines)
    second = seal(project, workspace, "board", "v2")
    assert learnt.now is learnt.fitting(first) is before
    after = learnt.fitting(second)
    assert after is learnt.now is not before and learnt.fitting(second) is after
    found = after.support("board").support(known[-1].question, known[-1].answer)
    assert found is not None and found.holds and found.section.document == late
    route = after.route(DIRECTOR, known[-1].question, None)
    assert isinstance(route, Route) and route.agent == "board"
    assert after.foreign("employee") > before.foreign("employee")


def test_knowledge_that_cannot_be_read_leaves_what_was_known_and_is_tried_again(
    taught: Project, tmp_path: Path
) -> None:
    project = copy_project(taught, tmp_path / "project")
    workspace = Workspace(project.root)
    make, broken = partial(Knowledge, project, workspace, Policy.of(project)), [False]

    def reading() -> Knowledge:
        if broken[0]:
            raise DatasetError("half written.")
        return make()

    learnt = Learnt(reading, [seal(project, workspace, "board", "v1")])
    before, second = learnt.now, seal(project, workspace, "board", "v2")
    broken[0] = True
    with pytest.raises(DatasetError):
        learnt.fitting(second)
    assert learnt.now is before
    broken[0] = False
    assert learnt.fitting(second) is learnt.now is not before
