"""Of what a run is: name and hash of everything that is attacked."""

from __future__ import annotations

from allotment import __version__
from allotment.evaluation.canaries import DECLARED
from allotment.project import PROJECT_FILE, Project
from allotment.training import current_version
from allotment.workspace import Workspace, hash_file, hash_json


def run_id(project: Project, workspace: Workspace, seed: int, *more: str) -> str:
    """The same for the same seed over the same declarations, canaries, documents, adapters and router, by the same
    package: then a run may go on."""
    read = [project.root / DECLARED, workspace.home / "evaluation" / "planted.json", workspace.sections_file]
    read += [
        workspace.routing_file,
        *(workspace.dataset_dir(agent) / "items.jsonl" for agent in sorted(project.agents)),
    ]
    hashes = [hash_file(file) if file.is_file() else "" for file in read]
    return hash_json([seed, __version__, *versions_of(project, workspace), *hashes, *more])[:12]


def versions_of(project: Project, workspace: Workspace) -> list[tuple[str, str]]:
    """Name and hash of everything that is attacked."""
    declared, documents = project.root / PROJECT_FILE, workspace.documents_file
    found = [("project", hash_file(declared)), ("documents", hash_file(documents) if documents.is_file() else "none")]
    for agent in sorted(project.agents):
        version = current_version(workspace, agent)
        manifest = workspace.adapters_dir(agent) / (version or "") / "manifest.json"
        sealed = hash_file(manifest)[:12] if manifest.is_file() else "none"
        found.append((f"adapter of {agent}", f"{version or 'none'} {sealed}"))
    for name, config in sorted(project.databases.items()):
        file = config.load or config.file
        if file is not None and (project.root / file).is_file():
            found.append((f"database {name}", hash_file(project.root / file)))
    return found
