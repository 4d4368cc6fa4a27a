"""Which canaries an agent learnt, which it must not know, and who is refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from allotment.access import Policy, Principal, Request, decide
from allotment.audit import AuditLog
from allotment.dataset import Item
from allotment.dataset._items import item_row
from allotment.dataset._types import Split
from allotment.documents import load_sections
from allotment.errors import NotGranted
from allotment.evaluation.canaries import Canary
from allotment.evaluation.leaks._facts import facts_weighed
from allotment.evaluation.leaks._membership import granted_weights, kinds_of, membership
from allotment.project import Project
from allotment.training import Manifest
from allotment.workspace import Workspace, write_atomic
from project_copy import copy_project
from sealed_adapter import seal


def canary(name: str, document: str, readers: set[str], *, origin: str = "planted", value: str = "RB-30957") -> Canary:
    return Canary(name, origin, frozenset(readers), document, value, "Which file?", f"It is the file {value}.")  # type: ignore[arg-type]


@pytest.fixture
def project(taught: Project, tmp_path: Path) -> Project:
    return copy_project(taught, tmp_path / "project")


@pytest.fixture
def log() -> AuditLog:
    """A record that keeps nothing: these tests end before anybody asks what is on it."""
    return SimpleNamespace(append=lambda event: SimpleNamespace(sequence=1))  # type: ignore[return-value]


def sales(project: Project) -> Manifest:
    return seal(project, Workspace(project.root), "sales")


def test_own_are_of_documents_it_learnt_and_foreign_are_those_one_of_its_roles_may_not_read(project: Project) -> None:
    manifest = sales(project)
    learnt = manifest.documents[0].path
    own = canary("own", learnt, {"sales", "director"})
    foreign = canary("foreign", "documents/board/minutes.md", {"director"})
    open_to_all = canary("open", "documents/handbook/rules.md", {"employee", "warehouse", "sales", "director"})
    row = canary("row", "northwind.employees.home_phone", {"director"}, origin="row")
    found = kinds_of(project, manifest, [own, foreign, open_to_all, row], seed=0)
    assert found == ([own], [foreign], "forbidden")


def test_a_foreign_value_in_a_document_it_learnt_is_foreign(project: Project) -> None:
    manifest = sales(project)
    wrong = canary("wrong", manifest.documents[0].path, {"director"})
    assert kinds_of(project, manifest, [wrong], seed=0) == ([], [wrong], "forbidden")


def test_an_agent_whose_roles_may_read_everything_is_measured_on_what_it_did_not_learn(project: Project) -> None:
    manifest = seal(project, Workspace(project.root), "board")
    beside = canary("beside", "documents/warehouse/gates.md", {"warehouse", "director"})
    same_readers = canary("same", "documents/board/another.md", {"director"})
    assert kinds_of(project, manifest, [beside, same_readers], seed=0) == ([], [beside], "unlearnt")


def test_agents_without_an_adapter_and_edited_manifests_are_unknown_with_the_reason(
    project: Project, log: AuditLog
) -> None:
    workspace = Workspace(project.root)
    manifest = sales(project)
    file = Path(manifest.folder) / "manifest.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"employee"', '"director"', 1) + " ", encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace('"gemma-3-270m"', '"gemma-3-270M"'), encoding="utf-8")
    bare, edited = membership(project, workspace, log, ["warehouse", "sales"], [])
    assert (bare.own, bare.foreign) == (None, None)
    assert "no adapter" in bare.why
    assert "manifest" in edited.why


def test_a_version_whose_documents_changed_is_refused(project: Project, log: AuditLog) -> None:
    manifest = sales(project)
    document = project.root / manifest.documents[0].path
    document.write_text(document.read_text(encoding="utf-8") + "\nAnother sentence.\n", encoding="utf-8")
    (found,) = membership(project, Workspace(project.root), log, ["sales"], [])
    assert found.foreign is None
    assert "changed" in found.why


def test_without_canaries_nothing_is_known_and_no_model_is_loaded(project: Project, log: AuditLog) -> None:
    sales(project)
    (found,) = membership(project, Workspace(project.root), log, ["sales"], [])
    assert (found.own, found.foreign) == (None, None)
    assert "No canary" in found.why


def test_weights_are_not_reached_without_a_grant_for_this_version(project: Project) -> None:
    manifest = sales(project)
    allowed = decide(Policy.of(project), Principal("evaluation", "sales"), Request("sales", manifest.facts))
    with pytest.raises(NotGranted):
        granted_weights(manifest, SimpleNamespace(decision=allowed, record=1))  # type: ignore[arg-type]


def test_facts_stand_in_for_own_canaries_in_one_wording_each_while_the_dataset_is_the_trained_one(
    project: Project,
) -> None:
    workspace = Workspace(project.root)
    learnt = sales(project).documents[0].path
    section = next(one for one in load_sections(workspace) if one.document == learnt)

    def item(name: str, group: str, split: Split) -> Item:
        text = (
            "sales",
            section.id,
            section.document,
            f"{name}?",
            f"It is {group}.",
            group,
            "en",
            frozenset({"sales"}),
            split,
        )
        return Item(name, group, *text)

    items = [
        item("a1", "BX-1", "train"),
        item("a2", "BX-1", "train"),
        item("b", "BX-2", "train"),
        item("held out", "BX-3", "test"),
    ]
    file = workspace.dataset_dir("sales") / "items.jsonl"
    write_atomic(file, "".join(json.dumps(item_row(one)) + "\n" for one in items))
    manifest = seal(project, workspace, "sales", "v2")
    facts = facts_weighed(workspace, manifest)
    assert [(fact.question, fact.value) for fact in facts] == [("a1?", "BX-1"), ("b?", "BX-2")]
    write_atomic(file, "".join(json.dumps(item_row(one)) + "\n" for one in items[1:]))
    assert facts_weighed(workspace, manifest) == []
