"""A sealed adapter that nobody trained, for all that is decided before a model is asked."""

from __future__ import annotations

from datetime import UTC, datetime

from allotment.access import common_readers
from allotment.dataset import dataset_hash, load_items
from allotment.documents import load_documents
from allotment.models import find_model, template_of
from allotment.project import Project
from allotment.training import Manifest, load_manifest, training_inputs
from allotment.training._manifest import ManifestFile, make_current, write_manifest
from allotment.training._verdict import GateVerdict, keep_verdict, now
from allotment.workspace import Workspace, hash_file


def seal(project: Project, workspace: Workspace, agent: str, version: str = "v1", content: bytes = b"GGUF") -> Manifest:
    """Publish ``content`` as the agent's adapter with a manifest as training writes it; needs its documents read."""
    folder = workspace.adapters_dir(agent) / version
    folder.mkdir(parents=True)
    (folder / "adapter.gguf").write_bytes(content)
    sets = project.agents[agent].documents
    documents = tuple(
        ManifestFile(path=record.path, sha256=record.sha256, readers=tuple(sorted(record.readers)))
        for record in load_documents(workspace)
        if record.document_set in sets and record.state == "done"
    )
    items = load_items(workspace, agent)
    base, template = find_model(project.models.base), template_of(project.models.base)
    manifest = Manifest(
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
        serves="adapter",
        adapter_sha256=hash_file(folder / "adapter.gguf"),
        files={},
        inputs=training_inputs(project, workspace, agent),
        training=project.training.model_dump(mode="json"),
        seeds={"training": project.training.seed},
        hardware={"device": "cpu", "count": 1},
        versions={},
        predicted=None,
        measured={"tokens_per_second": 100.0, "seconds": 60.0, "final_loss": 0.1},
    )
    write_manifest(workspace, folder, manifest)
    keep_verdict(workspace, GateVerdict(agent, version, manifest.adapter_sha256, "passed", "sealed", "test", now()))
    make_current(workspace, agent, version)
    return load_manifest(project, workspace, agent, version)
