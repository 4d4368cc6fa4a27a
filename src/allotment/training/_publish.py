"""From a finished run to a version that may be tried: export, manifest, report, and a place of its own, whole."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allotment.access import common_readers
from allotment.dataset import dataset_hash, load_items
from allotment.models import find_model, locate, template_of
from allotment.project import Project
from allotment.training._inputs import learnt
from allotment.training._manifest import (
    SERVED_FILES,
    Manifest,
    ManifestFile,
    adapter_versions,
    current_version,
    load_manifest,
    write_manifest,
)
from allotment.training._origin import ExperimentOrigin
from allotment.training.record._card import write_model_card
from allotment.training.record._report import write_report
from allotment.training.serving._servable import make_servable, serves
from allotment.workspace import Workspace, hash_file

_KEPT = ("peft", "changed", "metrics.jsonl")
"""What of a run's folder stays with the version."""


def publish(
    project: Project,
    workspace: Workspace,
    agent: str,
    inputs: str,
    work: Path,
    measured: dict[str, Any],
    predicted: dict[str, Any],
    *,
    origin: ExperimentOrigin | None = None,
) -> Manifest:
    """Make the next version of the agent's adapter, compared with PyTorch. It is not served yet: see ``serve``."""
    version = _next_version(workspace, agent)
    folder = workspace.adapters_dir(agent) / version
    staged = workspace.adapters_dir(agent) / f".{version}.partial"
    for place in (staged, folder):
        shutil.rmtree(place, ignore_errors=True)
    staged.mkdir(parents=True)
    for name in _KEPT:
        _copy(work / name, staged / name)
    method = project.training.method
    base, target = project.models.base, staged / SERVED_FILES[serves(method)]
    parity = make_servable(
        locate(base), find_model(base).sha256, work, target, method=method, precision=measured["precision"]
    )
    measured = {**measured, "parity": parity}
    manifest = _manifest(project, workspace, agent, version, inputs, staged, measured, predicted)
    manifest = manifest.model_copy(update={"experiment": origin.record if origin else None})
    write_model_card(staged, manifest)
    write_report(staged, manifest)
    write_manifest(workspace, staged, manifest.model_copy(update={"files": _files(staged)}))
    staged.rename(folder)
    shutil.rmtree(work, ignore_errors=True)
    return load_manifest(project, workspace, agent, version)


def _next_version(workspace: Workspace, agent: str) -> str:
    """A name that the pointer does not have either, else a version would be served before the gate was asked."""
    names = (*adapter_versions(workspace, agent), current_version(workspace, agent) or "")
    return f"v{max((int(name[1:]) for name in names if name[1:].isdigit()), default=0) + 1}"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    elif source.exists():
        shutil.copy2(source, target)


def _files(folder: Path) -> dict[str, str]:
    """Everything in the folder but what is served → its hash."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    served = SERVED_FILES.values()
    return {str(path.relative_to(folder)): hash_file(path) for path in paths if path.name not in served}


def _manifest(
    project: Project,
    workspace: Workspace,
    agent: str,
    version: str,
    inputs: str,
    folder: Path,
    measured: Mapping[str, Any],
    predicted: dict[str, Any],
) -> Manifest:
    items = load_items(workspace, agent)
    base = find_model(project.models.base)
    template = template_of(project.models.base)
    documents = tuple(
        ManifestFile(path=record.path, sha256=record.sha256, readers=tuple(sorted(record.readers)))
        for record in learnt(project, workspace, agent, items)
    )
    served = SERVED_FILES[serves(project.training.method)]
    return Manifest(
        agent=agent,
        version=version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        documents=documents,
        clearance=tuple(sorted(common_readers(frozenset(file.readers) for file in documents))),
        dataset_sha256=dataset_hash(items),
        base_model=base.name,
        base_sha256=base.sha256,
        template=template.name,
        template_sha256=template.sha256,
        method=project.training.method,
        serves=serves(project.training.method),
        adapter_sha256=hash_file(folder / served),
        files=_files(folder),
        inputs=inputs,
        training=project.training.model_dump(mode="json"),
        seeds={"training": project.training.seed},
        hardware=measured["hardware"],
        versions=measured["versions"],
        predicted=predicted,
        measured={key: value for key, value in measured.items() if key not in ("hardware", "versions")},
    )
