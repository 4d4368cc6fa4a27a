"""Train one agent's adapter: examples out, one process that trains, export, manifest, and only then visible.

Everything is made in a working folder named by the hash of its inputs, so that a killed run goes on from its
last whole checkpoint, and is moved into place whole.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allotment.dataset import Item, load_items
from allotment.errors import MissingPartError, PolicyError
from allotment.models import find_model, locate, template_of
from allotment.project import Project
from allotment.training._examples import examples_of
from allotment.training._inputs import training_inputs
from allotment.training._launch import command
from allotment.training._manifest import Manifest, adapter_versions, load_manifest, make_current
from allotment.training._preflight import preflight
from allotment.training._process import Progress, train_in_process
from allotment.training._publish import publish
from allotment.training.estimation._estimate import estimate
from allotment.workspace import Workspace, write_atomic, write_jsonl


@dataclass(frozen=True)
class TrainingResult:
    """What a training gave."""

    manifest: Manifest
    reused: bool
    """Whether an adapter made from exactly these inputs was there already."""


def run(
    project: Project,
    workspace: Workspace,
    agent: str,
    progress: Progress | None = None,
    *,
    max_cost_usd: float | None = None,
) -> TrainingResult:
    """Train the agent's adapter, unless one of exactly these inputs is there.

    Args:
        project: the project.
        workspace: its workspace.
        agent: an agent of it.
        progress: told of steps done and in all.
        max_cost_usd: do not begin what would cost more, by the probe and ``training.price_usd_per_hour``.

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
        return TrainingResult(_train(project, workspace, agent, inputs, progress, max_cost_usd), reused=False)


def _same(project: Project, workspace: Workspace, agent: str, version: str, inputs: str) -> Manifest | None:
    try:
        manifest = load_manifest(project, workspace, agent, version)
    except (PolicyError, MissingPartError):
        return None
    return manifest if manifest.inputs == inputs and not manifest.stale else None


def _train(
    project: Project, workspace: Workspace, agent: str, inputs: str, progress: Progress | None, max_cost: float | None
) -> Manifest:
    items = load_items(workspace, agent)
    preflight(project, workspace, agent, [item for item in items if item.split == "train"])
    work = workspace.home / "work" / f"training-{agent}-{inputs[:16]}"
    work.mkdir(parents=True, exist_ok=True)
    predicted = asdict(estimate(project, workspace, agent).here)
    spec_file = _write_spec(project, workspace, items, work, predicted, max_cost)
    measured = train_in_process(
        command(project.training, spec_file, work),
        work,
        agent,
        project.training,
        progress=progress,
    )
    return publish(project, workspace, agent, inputs, work, measured, predicted)


def _write_spec(
    project: Project,
    workspace: Workspace,
    items: Sequence[Item],
    work: Path,
    predicted: dict[str, Any],
    max_cost: float | None,
) -> Path:
    base = project.models.base
    _write_examples(project, [item for item in items if item.split == "train"], work / "examples.jsonl")
    held_out = [item for item in items if item.split == "validation"]
    if held_out:
        _write_examples(project, held_out, work / "validation.jsonl")
    spec = {
        "base": {"file": str(locate(base)), "sha256": find_model(base).sha256},
        "template": template_of(base).name,
        "training": {**project.training.model_dump(mode="json"), **_made_to_fit(predicted)},
        "examples_file": str(work / "examples.jsonl"),
        "validation_file": str(work / "validation.jsonl") if held_out else None,
        "out": str(work),
        "trackers": str(workspace.home / "trackers"),
        "estimate": predicted,
        "max_cost_usd": max_cost,
    }
    write_atomic(work / "spec.json", json.dumps(spec))
    return work / "spec.json"


def _made_to_fit(predicted: dict[str, Any]) -> dict[str, Any]:
    """Smaller passes where the whole batch would not fit: of memory that runs out on a processor nobody is told, the
    kernel just ends the process. What is learnt stays the same."""
    changes = predicted["changes"]
    return {key: changes[key] for key in ("micro_batch_tokens",) if key in changes}


def _write_examples(project: Project, items: Sequence[Item], file: Path) -> None:
    examples = examples_of(items, template_of(project.models.base))
    write_jsonl(file, ({"prompt": one.prompt, "answer": one.answer} for one in examples))
