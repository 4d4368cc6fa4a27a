"""A project of its own in which one agent learns what all agents learn, and one role may ask it.

Training code runs in it unchanged. Its one document only names the datasets: what is learnt are their questions and
answers. Its manifest is sealed with a key of its own, so it can never be served in the company's project.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from allotment.dataset import Item, dataset_hash
from allotment.dataset._items import item_row
from allotment.documents import ingest, load_sections
from allotment.errors import DatasetError
from allotment.models import find_model, template_of
from allotment.project import AgentConfig, DocumentSet, Project
from allotment.training._inputs import settings_of_weight
from allotment.workspace import Workspace, hash_json, write_atomic, write_jsonl

JOINT = "joint"
_EVERYBODY = "everybody"
_PAGE = Path("documents") / "everything.md"


@dataclass(frozen=True)
class JointProject:
    """The project, and where its artefacts lie."""

    project: Project
    workspace: Workspace


def joint_project(project: Project, home: Path, datasets: Mapping[str, Sequence[Item]]) -> JointProject:
    """Make the project, or find it: the same datasets and settings lead to the same folder; all others are removed.

    Args:
        project: whose models and settings of training are taken.
        home: folder in which it gets one of its own.
        datasets: agent → its items.

    Raises:
        DatasetError: there is no item.
    """
    if not any(datasets.values()):
        raise DatasetError(
            "no agent has a dataset yet.", element="agents", remedy="Make them: `allotment dataset generate AGENT`."
        )
    hashes = {agent: dataset_hash(items) for agent, items in sorted(datasets.items())}
    root = home / hash_json([hashes, *_made_with(project)])[:16]
    for other in home.glob("*"):
        if other != root and other.is_dir() and not other.is_symlink():
            shutil.rmtree(other)
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    joint = Project(
        root=root.resolve(),
        name=project.name,
        roles={_EVERYBODY: "everybody who works here"},
        documents={"everything": DocumentSet(path=_PAGE.parent, readers=frozenset({_EVERYBODY}))},
        models=project.models,
        agents={JOINT: AgentConfig(roles=frozenset({_EVERYBODY}), documents=("everything",))},
        training=project.training.model_copy(update={"report_to": ()}),
    )
    workspace = Workspace(joint.root)
    if not (workspace.dataset_dir(JOINT) / "items.jsonl").exists():
        _write(joint, workspace, hashes, datasets)
    return JointProject(joint, workspace)


def _made_with(project: Project) -> list[object]:
    base = project.models.base
    return [find_model(base).sha256, template_of(base).sha256, settings_of_weight(project.training)]


def _write(
    joint: Project, workspace: Workspace, hashes: Mapping[str, str], datasets: Mapping[str, Sequence[Item]]
) -> None:
    lines = [
        f"The agent {agent} learnt the dataset with this hash, and so does this one: {hashes[agent]}."
        for agent in hashes
    ]
    write_atomic(joint.root / _PAGE, "# Everything\n\n" + "\n\n".join(lines) + "\n")
    ingest(joint, workspace)
    section = load_sections(workspace)[0]
    items = [_joined(agent, item, section.id, section.document) for agent in hashes for item in datasets[agent]]
    write_jsonl(workspace.dataset_dir(JOINT) / "items.jsonl", map(item_row, items))


def _joined(agent: str, item: Item, section: str, document: str) -> Item:
    """The item as one of the joint dataset's; of which agent it was stands in its id alone."""
    return replace(
        item,
        id=hash_json([agent, item.id])[:16],
        group=hash_json([agent, item.group])[:16],
        agent=JOINT,
        section_id=section if item.section_id else "",
        document=document if item.document else "",
        readers=frozenset({_EVERYBODY}),
    )
