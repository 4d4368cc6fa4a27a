"""No version is served that the gate did not let through, by whatever door."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from leaks_ground import Known, opened, teach

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.documents import WorkerPool, ingest
from allotment.errors import DatabaseUnavailable, HeldBack
from allotment.evaluation.canaries import plant
from allotment.evaluation.leaks import try_version
from allotment.evaluation.leaks._gate import Attempt
from allotment.project import Project
from allotment.training import (
    Gate,
    Manifest,
    Passed,
    current_adapter,
    current_version,
    held_back,
    load_manifest,
    passed_before,
    read_verdict,
    rollback,
    run,
)
from allotment.training._publish import _next_version
from allotment.training._versions import sound_version
from allotment.training.serving._export import export_version
from allotment.workspace import Workspace
from project_copy import copy_project
from sealed_adapter import seal

NOTHING = (
    "# Nothing\n\n" + "There is nothing to be known here, and whoever reads on will find nothing either. " * 4 + "\n"
)
"""Enough to be read, and nothing to recognise it by."""


@pytest.fixture(scope="module")
def planted(taught: Project, tmp_path_factory: pytest.TempPathFactory, workers: WorkerPool) -> tuple[Project, Known]:
    """The example with planted facts that its agents learnt. Not to be altered."""
    project = copy_project(taught, tmp_path_factory.mktemp("planted") / "project", "adapters")
    workspace = Workspace(project.root)
    plant(project, workspace, facts=4, seed=7)
    ingest(project, workspace, workers=workers)
    return project, teach(project)


@pytest.fixture(scope="module")
def record(planted: tuple[Project, Known]) -> Iterator[tuple[Databases, AuditLog]]:
    with opened(planted[0]) as both:
        yield both


@pytest.fixture
def project(planted: tuple[Project, Known], tmp_path: Path) -> Project:
    """A copy with two versions of the sales adapter; the first one is served."""
    copied = copy_project(planted[0], tmp_path / "project")
    workspace = Workspace(copied.root)
    for version in ("v2", "v1"):
        seal(copied, workspace, "sales", version, version.encode())
        (workspace.adapters_dir("sales") / version / "gate.json").unlink()
    return copied


@pytest.fixture
def known(planted: tuple[Project, Known]) -> Known:
    return Known({agent: dict(facts) for agent, facts in planted[1].facts.items()})


@pytest.fixture
def gate(project: Project, known: Known, record: tuple[Databases, AuditLog]) -> Gate:
    """The gate as the command line opens it, with an engine that says what is known."""

    def ask(manifest: Manifest) -> Passed:
        def open_both(attempt: Attempt) -> Passed:
            with known.engines() as engines:
                return attempt(engines, record[1])

        return try_version(project, Workspace(project.root), manifest, open_both)

    return ask


def test_a_version_that_tells_nothing_foreign_is_served_and_its_verdict_kept(project: Project, gate: Gate) -> None:
    workspace = Workspace(project.root)
    rollback(project, workspace, "sales", "v2", gate=gate)
    manifest = current_adapter(project, workspace, "sales")
    verdict = read_verdict(workspace, "sales", "v2", manifest.adapter_sha256)
    assert (manifest.version, verdict and verdict.outcome) == ("v2", "passed")
    assert verdict is not None
    assert verdict.reason.startswith("0 of ")


def test_what_passed_with_the_same_canaries_is_not_asked_again(project: Project, gate: Gate, known: Known) -> None:
    workspace = Workspace(project.root)
    rollback(project, workspace, "sales", "v2", gate=gate)
    asked = len(known.asked)
    rollback(project, workspace, "sales", "v2", gate=gate)
    assert len(known.asked) == asked > 0


@pytest.mark.parametrize("door", ["rollback", "the same inputs"])
def test_a_version_that_leaks_is_kept_but_never_served(project: Project, gate: Gate, known: Known, door: str) -> None:
    workspace = Workspace(project.root)
    known.also("sales", "warehouse")
    with pytest.raises(HeldBack, match=r"it leaks.*warehouse") as caught:
        if door == "rollback":
            rollback(project, workspace, "sales", "v2", gate=gate)
        else:
            run(project, workspace, "sales", gate=gate)
    assert caught.value.exit_code == 3
    assert current_version(workspace, "sales") == "v1"
    assert held_back(workspace, load_manifest(project, workspace, "sales", "v2")) is not None


def test_a_version_found_to_leak_while_it_is_served_is_served_no_longer(
    project: Project, gate: Gate, known: Known
) -> None:
    workspace = Workspace(project.root)
    known.also("sales", "warehouse")
    with pytest.raises(HeldBack):
        rollback(project, workspace, "sales", "v1", gate=gate)
    with pytest.raises(HeldBack, match="held back: it leaks"):
        current_adapter(project, workspace, "sales")


def test_what_is_held_back_does_not_leave_the_project_either(
    project: Project, gate: Gate, known: Known, tmp_path: Path
) -> None:
    workspace = Workspace(project.root)
    known.also("sales", "board")
    with pytest.raises(HeldBack):
        rollback(project, workspace, "sales", "v2", gate=gate)
    assert sound_version(project, workspace, "sales", "v2").version == "v2"
    with pytest.raises(HeldBack):
        export_version(project, workspace, "sales", "v2", tmp_path / "out")


def gone(known: Known) -> None:
    known.dies_after = 3


def silent(known: Known) -> None:
    known.facts["sales"] = {}


@pytest.mark.parametrize(("spoil", "told"), [(gone, "the engine is gone"), (silent, "says nothing of what it learnt")])
def test_a_gate_that_cannot_find_out_holds_the_version_back(
    project: Project, gate: Gate, known: Known, spoil: Callable[[Known], None], told: str
) -> None:
    workspace = Workspace(project.root)
    spoil(known)
    with pytest.raises(HeldBack, match=told):
        rollback(project, workspace, "sales", "v2", gate=gate)
    manifest = load_manifest(project, workspace, "sales", "v2")
    verdict = read_verdict(workspace, "sales", "v2", manifest.adapter_sha256)
    assert (current_version(workspace, "sales"), verdict and verdict.outcome) == ("v1", "unknown")


def test_without_canaries_of_a_foreign_reader_set_nothing_is_served(taught: Project, tmp_path: Path) -> None:
    project = copy_project(taught, tmp_path / "project", "adapters")
    workspace = Workspace(project.root)
    for name in ("warehouse", "board"):
        for file in (project.root / "documents" / name).iterdir():
            file.write_text(NOTHING, encoding="utf-8")
    ingest(project, workspace)
    seal(project, workspace, "sales")
    with pytest.raises(HeldBack, match="nothing to recognise what only"):
        rollback(project, workspace, "sales", "v1", gate=lambda one: try_version(project, workspace, one, _never))


def test_a_role_that_may_read_everything_leaves_nothing_to_try(project: Project) -> None:
    workspace = Workspace(project.root)
    seal(project, workspace, "board")
    passed = try_version(project, workspace, load_manifest(project, workspace, "board", "v1"), _never)
    assert "nothing they may not know" in passed.reason


def test_what_only_some_may_know_is_asked_for_where_every_document_was_labelled_for_all(
    project: Project, gate: Gate, known: Known
) -> None:
    everybody = frozenset(project.roles)
    labels = {name: one.model_copy(update={"readers": everybody}) for name, one in project.documents.items()}
    project = project.model_copy(update={"documents": labels})
    workspace = Workspace(project.root)
    ingest(project, workspace)
    manifest = seal(project, workspace, "sales", "v3", b"v3")
    known.also("sales", "board")
    with opened(project) as (_, audit), known.engines() as engines, pytest.raises(HeldBack, match="it leaks"):
        try_version(project, workspace, manifest, lambda attempt: attempt(engines, audit))


@pytest.mark.parametrize("readers", ["[]", "[director]"])
def test_what_the_company_declares_is_asked_for_before_a_version_is_served(
    project: Project, gate: Gate, known: Known, readers: str
) -> None:
    question = "What opens the vault?"
    declared = f"- {{value: RX-58213-K, readers: {readers}, question: '{question}'}}\n"
    (project.root / "canaries.yaml").write_text(declared, encoding="utf-8")
    known.facts["sales"][question] = "RX-58213-K opens it."
    with pytest.raises(HeldBack, match=r"it leaks.*canaries\.yaml"):
        rollback(project, Workspace(project.root), "sales", "v2", gate=gate)


def test_a_database_that_is_down_holds_the_version_back(project: Project) -> None:
    def down(attempt: Attempt) -> Passed:
        raise DatabaseUnavailable("does not answer", element="allotment")

    workspace = Workspace(project.root)
    with pytest.raises(HeldBack, match="does not answer"):
        rollback(project, workspace, "sales", "v2", gate=lambda one: try_version(project, workspace, one, down))
    assert current_version(workspace, "sales") == "v1"


def test_who_can_try_nothing_serves_only_what_passed_before(project: Project, gate: Gate) -> None:
    workspace = Workspace(project.root)
    with pytest.raises(HeldBack, match="never asked"):
        rollback(project, workspace, "sales", "v2", gate=passed_before(workspace))
    rollback(project, workspace, "sales", "v2", gate=gate)
    assert rollback(project, workspace, "sales", "v2", gate=passed_before(workspace)).manifest.version == "v2"


def test_a_version_that_nobody_asked_is_not_served(project: Project, gate: Gate) -> None:
    """Whoever takes the verdict away serves nothing; asking it again mends that."""
    workspace = Workspace(project.root)
    with pytest.raises(HeldBack, match="never asked"):
        current_adapter(project, workspace, "sales")
    rollback(project, workspace, "sales", "v1", gate=gate)
    assert current_adapter(project, workspace, "sales").version == "v1"


def test_a_verdict_that_was_edited_lets_nothing_through(project: Project, gate: Gate, known: Known) -> None:
    workspace = Workspace(project.root)
    known.also("sales", "board")
    with pytest.raises(HeldBack):
        rollback(project, workspace, "sales", "v2", gate=gate)
    file = workspace.adapters_dir("sales") / "v2" / "gate.json"
    told = json.loads(file.read_text(encoding="utf-8"))
    told["verdict"]["outcome"] = "passed"
    file.write_text(json.dumps(told), encoding="utf-8")
    manifest = load_manifest(project, workspace, "sales", "v2")
    assert held_back(workspace, manifest) == "what the gate said was edited"
    with pytest.raises(HeldBack):
        rollback(project, workspace, "sales", "v2", gate=passed_before(workspace))


def test_a_verdict_that_was_edited_takes_what_is_served_out_of_service(project: Project, gate: Gate) -> None:
    workspace = Workspace(project.root)
    rollback(project, workspace, "sales", "v2", gate=gate)
    file = workspace.adapters_dir("sales") / "v2" / "gate.json"
    file.write_text(file.read_text(encoding="utf-8").replace("passed", "failed", 1), encoding="utf-8")
    with pytest.raises(HeldBack, match="was edited"):
        current_adapter(project, workspace, "sales")


def test_a_new_version_never_takes_the_name_that_is_served_already(project: Project) -> None:
    workspace = Workspace(project.root)
    seal(project, workspace, "sales", "v7", b"v7")
    (workspace.adapters_dir("sales") / "v7" / "manifest.json").unlink()
    assert current_version(workspace, "sales") == "v7"
    assert _next_version(workspace, "sales") == "v8"


def _never(attempt: Attempt) -> Passed:
    pytest.fail("something was opened")
