"""What an adapter is made from: the items an agent may learn, the documents behind them, and one hash of it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from allotment.access import Policy
from allotment.dataset import Item, dataset_hash, load_items
from allotment.documents import DocumentRecord, load_documents, load_sections
from allotment.errors import DatasetError, PolicyError
from allotment.models import find_model, template_of
from allotment.project import Project, TrainingConfig
from allotment.workspace import Workspace, hash_file_once, hash_json

_OF_NO_WEIGHT = {"probe_steps", "checkpoint_minutes", "price_usd_per_hour", "report_to"}
"""Settings that change nothing of what is learnt: another price is no reason to train again."""


def settings_of_weight(training: TrainingConfig) -> dict[str, Any]:
    """The settings that decide what is learnt. A mix of everything is none, as it was before there were mixes."""
    found = training.model_dump(mode="json", exclude=_OF_NO_WEIGHT)
    return found if found["mix"] else {key: value for key, value in found.items() if key != "mix"}


def training_inputs(project: Project, workspace: Workspace, agent: str) -> str:
    """Hash of everything an agent's adapter is made from; equal inputs need no second training."""
    items = load_items(workspace, agent)
    base = find_model(project.models.base)
    return hash_json(
        {
            "dataset": dataset_hash(items),
            "base": base.sha256,
            "template": template_of(project.models.base).sha256,
            "training": settings_of_weight(project.training),
            "roles": sorted(project.agents[agent].roles),
            "readers": {record.path: sorted(record.readers) for record in learnt(project, workspace, agent, items)},
        }
    )


def learnt(project: Project, workspace: Workspace, agent: str, items: Sequence[Item]) -> list[DocumentRecord]:
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
