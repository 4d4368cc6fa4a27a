"""Train one agent's adapter: examples out, one process that trains, export, manifest, and only then visible.

Everything is made in a working folder named by the hash of its inputs, so that a killed run goes on from its
last whole checkpoint, and is moved into place whole.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allotment.access import Policy, common_readers
from allotment.dataset import Item, dataset_hash, load_items
from allotment.documents import DocumentRecord, load_documents, load_sections
from allotment.errors import DatasetError, MissingPartError, PolicyError, TrainingError
from allotment.models import find_model, locate, template_of
from allotment.project import Project
from allotment.training._base import fp32_bytes, is_converted
from allotment.training._examples import check_template, examples_of
from allotment.training._gguf import export_gguf
from allotment.training._manifest import (
    Manifest,
    ManifestFile,
    adapter_versions,
    load_manifest,
    make_current,
    write_manifest,
)
from allotment.workspace import Workspace, hash_file, hash_file_once, hash_json, write_jsonl

Progress = Callable[[str, int, int], None]
_CHECKPOINT_BYTES = 600e6


@dataclass(frozen=True)
class TrainingResult:
    """What a training gave."""

    manifest: Manifest
    reused: bool
    """Whether an adapter made from exactly these inputs was there already."""


def training_inputs(project: Project, workspace: Workspace, agent: str) -> str:
    """Hash of everything an agent's adapter is made from; equal inputs need no second training."""
    items = load_items(workspace, agent)
    base = find_model(project.models.base)
    return hash_json(
        {
            "dataset": dataset_hash(items),
            "base": base.sha256,
            "template": template_of(project.models.base).sha256,
            "training": project.training.model_dump(),
            "roles": sorted(project.agents[agent].roles),
            "readers": {record.path: sorted(record.readers) for record in _learnt(project, workspace, agent, items)},
        }
    )


def run(project: Project, workspace: Workspace, agent: str, progress: Progress | None = None) -> TrainingResult:
    """Train the agent's adapter, unless one of exactly these inputs is there.

    Args:
        progress: told of steps done and in all.

    Raises:
        DatasetError: no training items.
        PolicyError: an item may not be read by every role the agent serves.
        TrainingError: the training stopped; ``kind`` says why.
        MissingPartError: the base model or the training packages are missing.
    """
    with workspace.lock(f"training-{agent}"):
        inputs = training_inputs(project, workspace, agent)
        for version in reversed(adapter_versions(workspace, agent)):
            manifest = _same(project, workspace, agent, version, inputs)
            if manifest is not None:
                make_current(workspace, agent, version)
                return TrainingResult(manifest, reused=True)
        return TrainingResult(_train(project, workspace, agent, inputs, progress), reused=False)


def _same(project: Project, workspace: Workspace, agent: str, version: str, inputs: str) -> Manifest | None:
    try:
        manifest = load_manifest(project, workspace, agent, version)
    except (PolicyError, MissingPartError):
        return None
    return manifest if manifest.inputs == inputs and not manifest.stale else None


def _train(project: Project, workspace: Workspace, agent: str, inputs: str, progress: Progress | None) -> Manifest:
    items = [item for item in load_items(workspace, agent) if item.split == "train"]
    _preflight(project, workspace, agent, items)
    work = workspace.home / "work" / f"training-{agent}-{inputs[:16]}"
    work.mkdir(parents=True, exist_ok=True)
    examples = examples_of(items, template_of(project.models.base))
    write_jsonl(work / "examples.jsonl", ({"prompt": one.prompt, "answer": one.answer} for one in examples))
    measured = _run_process(project, agent, work, progress)
    export_gguf(work / "peft", locate(project.models.base), work / "adapter.gguf", alpha=project.training.alpha)
    return _publish(project, workspace, agent, inputs, work, measured)


def _preflight(project: Project, workspace: Workspace, agent: str, items: list[Item]) -> None:
    if not items:
        raise DatasetError(
            "there are no training items.", element=agent, remedy=f"Make them: `allotment dataset generate {agent}`."
        )
    roles = project.agents[agent].roles
    for item in items:
        if not roles <= item.readers:
            raise PolicyError(
                f"the item's readers do not cover the agent's roles ({', '.join(sorted(roles - item.readers))}).",
                element=f"{agent}, {item.document}",
                remedy=f"Make the dataset again: `allotment dataset generate {agent}`.",
            )
    check_template(template_of(project.models.base))
    locate(project.models.base)
    _need_disk(project, workspace)


def _need_disk(project: Project, workspace: Workspace) -> None:
    """Room for checkpoints in the project, and for the base model's fp32 weights beside its file, made once."""
    base = find_model(project.models.base)
    needs = {workspace.root: _CHECKPOINT_BYTES}
    if not is_converted(base.path, base.sha256):
        needs[base.path.parent] = fp32_bytes(base.size_bytes)
    for folder in needs:
        disk = folder.stat().st_dev
        needed = sum(size for other, size in needs.items() if other.stat().st_dev == disk)
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise TrainingError(
                f"{free / 1e9:.2f} GB of disk are free, {needed / 1e9:.2f} GB are needed for checkpoints"
                " and the base model's weights.",
                kind="infrastructure",
                element=str(folder),
                remedy="Free some space, then run the same command again.",
            )


def _run_process(project: Project, agent: str, work: Path, progress: Progress | None) -> dict[str, Any]:
    spec = {
        "base_file": str(locate(project.models.base)),
        "base_sha256": find_model(project.models.base).sha256,
        "examples_file": str(work / "examples.jsonl"),
        "training": project.training.model_dump(),
        "out": str(work),
    }
    spec_file = work / "spec.json"
    spec_file.write_text(json.dumps(spec), encoding="utf-8")
    (work / "result.json").unlink(missing_ok=True)
    command = [sys.executable, "-m", "allotment.training._worker", str(spec_file)]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process:
            try:
                _follow(process, agent, progress)
            except BaseException:
                process.terminate()
                raise
        errors.seek(0)
        tail = errors.read()[-2000:]
    return _outcome(work, agent, process.returncode, tail)


def _follow(process: subprocess.Popen[str], agent: str, progress: Progress | None) -> None:
    loss = float("nan")
    for line in process.stdout or ():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("kind") == "step" and progress:
            loss = event["loss"]
            progress(f"training {agent}, loss {loss:.3f}", event["done"], event["total"])


def _outcome(work: Path, agent: str, code: int, tail: str) -> dict[str, Any]:
    try:
        result = json.loads((work / "result.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        result = {"state": "infrastructure", "error": tail.strip() or f"the process ended with code {code}"}
    if result["state"] == "ok":
        measured: dict[str, Any] = result["measured"]
        return measured
    if "No module named" in str(result["error"]):
        raise MissingPartError(
            f"training needs more packages ({result['error']}).",
            element=agent,
            remedy="Install them: `pip install 'allotment[train]'`.",
        )
    raise TrainingError(
        str(result["error"])[-600:], kind=result["state"], element=agent, remedy="The same command goes on from here."
    )


def _publish(
    project: Project, workspace: Workspace, agent: str, inputs: str, work: Path, measured: dict[str, Any]
) -> Manifest:
    numbers = [int(version[1:]) for version in adapter_versions(workspace, agent)]
    version = f"v{max(numbers, default=0) + 1}"
    folder = workspace.adapters_dir(agent) / version
    staged = workspace.adapters_dir(agent) / f".{version}.partial"
    shutil.rmtree(staged, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    staged.mkdir(parents=True)
    shutil.copytree(work / "peft", staged / "peft")
    shutil.copy2(work / "adapter.gguf", staged / "adapter.gguf")
    write_manifest(workspace, staged, _manifest(project, workspace, agent, version, inputs, staged, measured))
    staged.rename(folder)
    make_current(workspace, agent, version)
    shutil.rmtree(work, ignore_errors=True)
    return load_manifest(project, workspace, agent, version)


def _manifest(
    project: Project,
    workspace: Workspace,
    agent: str,
    version: str,
    inputs: str,
    folder: Path,
    measured: dict[str, Any],
) -> Manifest:
    items = load_items(workspace, agent)
    base = find_model(project.models.base)
    template = template_of(project.models.base)
    files = tuple(
        ManifestFile(path=record.path, sha256=record.sha256, readers=tuple(sorted(record.readers)))
        for record in _learnt(project, workspace, agent, items)
    )
    return Manifest(
        agent=agent,
        version=version,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        documents=files,
        clearance=tuple(sorted(common_readers(frozenset(file.readers) for file in files))),
        dataset_sha256=dataset_hash(items),
        base_model=base.name,
        base_sha256=base.sha256,
        template=template.name,
        template_sha256=template.sha256,
        adapter_sha256=hash_file(folder / "adapter.gguf"),
        inputs=inputs,
        training=project.training.model_dump(),
        measured=measured,
    )


def _learnt(project: Project, workspace: Workspace, agent: str, items: list[Item]) -> list[DocumentRecord]:
    """Documents the items come from. One that is gone, or that a role of the agent may not read, is an error."""
    records = {record.path: record for record in load_documents(workspace) if record.state == "done"}
    sections = {section.id for section in load_sections(workspace)}
    items = [item for item in items if item.document]  # general conversation comes from none
    missing = {item.document for item in items if item.document not in records or item.section_id not in sections}
    missing |= {
        path
        for path in {item.document for item in items} & records.keys()
        if hash_file_once(project.root / path) != records[path].sha256
    }
    if missing:
        raise DatasetError(
            f"the dataset was made from documents that have changed: {', '.join(sorted(missing))}.",
            element=agent,
            remedy=f"Run `allotment documents ingest`, then `allotment dataset generate {agent}`.",
        )
    used = [records[path] for path in sorted({item.document for item in items})]
    rule = Policy.of(project).agents[agent]
    closed = [record.path for record in used if not rule.roles <= record.readers]
    if closed:
        raise PolicyError(
            f"the agent serves roles that may not read {', '.join(closed)}.",
            element=agent,
            remedy="Mend readers in allotment.yaml or the document's front matter.",
        )
    return used
