"""Going back to an older version: only to a sound one, whole or not at all, and nothing is lost."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from allotment.errors import AllotmentError, ManifestError, MissingPartError, ProjectError
from allotment.project import Project
from allotment.training import UNGATED, adapter_versions, current_adapter
from allotment.training._manifest import Manifest, write_manifest
from allotment.training._versions import rollback, sound_version
from allotment.workspace import Workspace, hash_text
from project_copy import copy_project
from sealed_adapter import seal

AGENT = "board"


@pytest.fixture
def project(taught: Project, tmp_path: Path) -> Project:
    """The taught company with three versions of the board's adapter, the last one served, and one of the handbook."""
    copied = copy_project(taught, tmp_path / "project", "adapters")
    for version in ("v1", "v2", "v3"):
        with_files(copied, seal(copied, Workspace(copied.root), AGENT, version, version.encode()))
    seal(copied, Workspace(copied.root), "handbook")
    return copied


def with_files(project: Project, manifest: Manifest) -> None:
    """Give a version the other files a training leaves, sealed."""
    names = ("metrics.jsonl", "peft/adapter_model.safetensors")
    for name in names:
        file = Path(manifest.folder) / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"{name} of {manifest.key}", encoding="utf-8")
    files = {name: hash_text(f"{name} of {manifest.key}") for name in names}
    write_manifest(Workspace(project.root), Path(manifest.folder), manifest.model_copy(update={"files": files}))


def served(project: Project) -> str:
    return current_adapter(project, Workspace(project.root), AGENT).version


def go_back(project: Project, to: str | None = None) -> str:
    return rollback(project, Workspace(project.root), AGENT, to, gate=UNGATED).manifest.version


def version_folder(project: Project, version: str, agent: str = AGENT) -> Path:
    return Workspace(project.root).adapters_dir(agent) / version


def test_going_back_serves_the_version_before_and_keeps_every_other(project: Project) -> None:
    assert [go_back(project), served(project)] == ["v2", "v2"]
    assert [go_back(project), served(project)] == ["v1", "v1"]
    with pytest.raises(MissingPartError, match="no version before v1"):
        go_back(project)
    assert served(project) == "v1"
    assert go_back(project, "v3") == served(project) == "v3"
    assert adapter_versions(Workspace(project.root), AGENT) == ["v1", "v2", "v3"]


def test_it_is_told_what_was_served_before(project: Project) -> None:
    done = rollback(project, Workspace(project.root), AGENT, "v1", gate=UNGATED)
    assert (done.before, done.manifest.version) == ("v3", "v1")


def test_a_pointer_nobody_can_read_is_mended_by_naming_a_version(project: Project) -> None:
    (Workspace(project.root).adapters_dir(AGENT) / "current").write_text("v7", encoding="utf-8")
    with pytest.raises(ProjectError, match="--to"):
        go_back(project)
    assert go_back(project, "v2") == served(project) == "v2"


def edit_manifest(project: Project) -> None:
    file = version_folder(project, "v2") / "manifest.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"director"', '"employee"'), encoding="utf-8")


def exchange_adapter(project: Project) -> None:
    shutil.copy(version_folder(project, "v1") / "adapter.gguf", version_folder(project, "v2"))


def change_another_file(project: Project) -> None:
    (version_folder(project, "v2") / "peft" / "adapter_model.safetensors").write_text("other", encoding="utf-8")


def lose_another_file(project: Project) -> None:
    (version_folder(project, "v2") / "metrics.jsonl").unlink()


def put_a_foreign_version_there(project: Project) -> None:
    shutil.rmtree(version_folder(project, "v2"))
    shutil.copytree(version_folder(project, "v1", "handbook"), version_folder(project, "v2"))


def sign_with_another_key(project: Project) -> None:
    other = Workspace(project.root.parent / "another project")
    manifest = sound_version(project, Workspace(project.root), AGENT, "v2")
    write_manifest(other, version_folder(project, "v2"), manifest)


def name_an_older_version_anew(project: Project) -> None:
    shutil.rmtree(version_folder(project, "v2"))
    shutil.copytree(version_folder(project, "v1"), version_folder(project, "v2"))


@pytest.mark.parametrize(
    "attack",
    [
        edit_manifest,
        exchange_adapter,
        change_another_file,
        lose_another_file,
        put_a_foreign_version_there,
        sign_with_another_key,
        name_an_older_version_anew,
    ],
)
@pytest.mark.parametrize("named", [None, "v2"])
def test_a_version_that_is_not_what_was_trained_is_never_gone_back_to(
    project: Project, attack: Callable[[Project], None], named: str | None
) -> None:
    attack(project)
    with pytest.raises(ManifestError):
        go_back(project, named)
    assert served(project) == "v3"


def test_a_version_that_learnt_what_has_changed_since_is_never_gone_back_to(project: Project) -> None:
    plan = project.root / "documents" / "board" / "acquisition-plan.md"
    before = plan.read_bytes()
    plan.write_bytes(before + b"\nOne more line.\n")
    with pytest.raises(ManifestError, match="changed since"):
        go_back(project)
    plan.write_bytes(before)
    assert served(project) == "v3"


@pytest.mark.parametrize("name", ["v9", "", ".", "../handbook/v1", "v1/../../handbook/v1", "current"])
def test_a_name_that_is_no_version_of_the_agent_is_refused(project: Project, name: str) -> None:
    with pytest.raises(MissingPartError, match="no such version"):
        go_back(project, name)
    assert served(project) == "v3"


_BACK_AND_FORTH = """
import sys
from pathlib import Path
from allotment.project import load_project
from allotment.training import UNGATED
from allotment.training._versions import rollback
from allotment.workspace import Workspace
project = load_project(Path(sys.argv[1]))
while True:
    for version in ("v1", "v2"):
        rollback(project, Workspace(project.root), "board", version, gate=UNGATED)
        print(version, flush=True)
"""


def test_a_kill_in_the_middle_leaves_a_version_that_is_served(project: Project) -> None:
    command = [sys.executable, "-c", _BACK_AND_FORTH, str(project.root)]
    for turns in (1, 4, 9):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for _ in range(turns):
                assert process.stdout.readline().strip() in ("v1", "v2")
            process.send_signal(signal.SIGKILL)
        assert served(project) in ("v1", "v2")


def test_a_pointer_that_cannot_be_written_stays(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(AllotmentError, match="No space left"):
        go_back(project)
    monkeypatch.undo()
    assert served(project) == "v3"
    assert {path.name for path in version_folder(project, "v1").parent.iterdir()} == {"v1", "v2", "v3", "current"}


def test_the_manifest_of_a_version_is_read_as_it_was_written(project: Project) -> None:
    manifest = sound_version(project, Workspace(project.root), AGENT, "v2")
    stored = json.loads((version_folder(project, "v2") / "manifest.json").read_text(encoding="utf-8"))["manifest"]
    assert manifest.experiment is None
    assert manifest.model_dump(mode="json", exclude={"stale", "folder", "experiment"}) == stored
