"""Train one agent's adapter: examples out, one process that trains, export, manifest, gate, and only then served.

Everything is made in a working folder named by the hash of its inputs, so that a killed run goes on from its
last whole checkpoint, and is moved into place whole.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from allotment.dataset import load_items
from allotment.errors import MissingPartError, PolicyError
from allotment.project import Project
from allotment.training._gate import Gate, serve
from allotment.training._inputs import training_inputs
from allotment.training._launch import command
from allotment.training._manifest import Manifest, adapter_versions, load_manifest
from allotment.training._mix import training_items
from allotment.training._origin import ExperimentOrigin
from allotment.training._preflight import preflight
from allotment.training._process import Progress, train_in_process
from allotment.training._publish import publish
from allotment.training._spec import spec_of, write_examples
from allotment.training.estimation._estimate import estimate
from allotment.workspace import Workspace, write_atomic


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
    gate: Gate,
    max_cost_usd: float | None = None,
    origin: ExperimentOrigin | None = None,
) -> TrainingResult:
    """Train the agent's adapter, unless one of exactly these inputs is there; serve it if the gate lets it.

    Args:
        project: the project.
        workspace: its workspace.
        agent: an agent of it.
        progress: told of steps done and in all.
        gate: what every version must pass before it is served, new or not.
        max_cost_usd: do not begin what would cost more, by the probe and ``training.price_usd_per_hour``.
        origin: the run of an experiment whose settings these are. What it trained is taken if it is here and was made
            from exactly these inputs; the manifest says which run it was.

    Raises:
        DatasetError: no training items.
        PolicyError: an item may not be read by every role the agent serves.
        HeldBack: the gate did not let it through; the version is kept, and what is served stays.
        TrainingError: the training stopped; ``kind`` says why.
        MissingPartError: the base model or the training packages are missing.
    """
    with workspace.lock(f"training-{agent}"):
        inputs = training_inputs(project, workspace, agent)
        there = _there(project, workspace, agent, inputs, origin)
        manifest = there or _train(project, workspace, agent, inputs, progress, max_cost_usd, origin)
        serve(workspace, manifest, gate)
        return TrainingResult(manifest, reused=there is not None)


def _there(
    project: Project, workspace: Workspace, agent: str, inputs: str, origin: ExperimentOrigin | None
) -> Manifest | None:
    for version in reversed(adapter_versions(workspace, agent)):
        manifest = _same(project, workspace, agent, version, inputs)
        if manifest is not None and (origin is None or manifest.experiment == origin.record):
            return manifest
    return None


def _same(project: Project, workspace: Workspace, agent: str, version: str, inputs: str) -> Manifest | None:
    try:
        manifest = load_manifest(project, workspace, agent, version)
    except (PolicyError, MissingPartError):
        return None
    return manifest if manifest.inputs == inputs and not manifest.stale else None


def _train(
    project: Project,
    workspace: Workspace,
    agent: str,
    inputs: str,
    progress: Progress | None,
    max_cost: float | None,
    origin: ExperimentOrigin | None,
) -> Manifest:
    items = load_items(workspace, agent)
    preflight(project, workspace, agent, training_items(items, project.training.mix))
    work = workspace.home / "work" / f"training-{agent}-{inputs[:16]}"
    if origin is not None and origin.work is not None and origin.inputs == inputs:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(origin.work, work)
        return publish(project, workspace, agent, inputs, work, origin.measured, origin.predicted, origin=origin)
    work.mkdir(parents=True, exist_ok=True)
    predicted = asdict(estimate(project, workspace, agent).here)
    held_out = write_examples(project, items, work)
    spec = spec_of(project, work, held_out=held_out, predicted=predicted, max_cost_usd=max_cost)
    spec_file = _write(work / "spec.json", {**spec, "trackers": str(workspace.home / "trackers")})
    measured = train_in_process(
        command(project.training, spec_file, work),
        work,
        agent,
        project.training,
        progress=progress,
    )
    return publish(project, workspace, agent, inputs, work, measured, predicted, origin=origin)


def _write(file: Path, spec: dict[str, object]) -> Path:
    write_atomic(file, json.dumps(spec))
    return file
