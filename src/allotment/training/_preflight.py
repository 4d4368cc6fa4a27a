"""What must hold before a training process is started: items for every role, a template, a base model, and room."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from allotment.dataset import Item
from allotment.errors import DatasetError, PolicyError, TrainingError
from allotment.models import find_model, locate, template_of
from allotment.project import Project
from allotment.training._base import fp32_bytes, is_converted
from allotment.training._examples import check_template
from allotment.training._launch import batch_of_a_card
from allotment.training.worker._trackers import check_trackers
from allotment.workspace import Workspace

_CHECKPOINT_BYTES = 600e6


def preflight(project: Project, workspace: Workspace, agent: str, items: Sequence[Item]) -> None:
    """Refuse what cannot end well.

    Raises:
        DatasetError: no training items.
        PolicyError: an item may not be read by every role the agent serves.
        TrainingError: the template, or too little room on the disk.
        MissingPartError: the base model is not here.
    """
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
    batch_of_a_card(project.training)
    check_trackers(project.training.report_to)
    check_template(template_of(project.models.base))
    locate(project.models.base)
    _need_disk(project, workspace)


def _need_disk(project: Project, workspace: Workspace) -> None:
    """Room for checkpoints in the project, and for the base model's fp32 weights beside its file, made once."""
    base = find_model(project.models.base)
    checkpoint = _CHECKPOINT_BYTES
    if project.training.method in ("partial", "full"):  # weights and both states of the optimizer, in each of three
        checkpoint = 3 * 3 * fp32_bytes(base.size_bytes)
    needs = {workspace.root: checkpoint}
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
