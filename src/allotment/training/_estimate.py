"""What a training will need, before it runs: tokens, memory, minutes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from allotment.dataset import load_items
from allotment.errors import DatasetError, MissingPartError, PolicyError
from allotment.models import find_model, template_of
from allotment.project import Project
from allotment.training._base import fp32_bytes
from allotment.training._examples import examples_of
from allotment.training._manifest import adapter_versions, load_manifest
from allotment.workspace import Workspace

_CHARACTERS_PER_TOKEN = 3.6
_OVERHEAD_BYTES = 1.1e9
"""Python, PyTorch and their libraries, measured with an empty model."""


@dataclass(frozen=True)
class TrainingEstimate:
    """Figures of a training to come. ``None`` means unknown: nothing here is guessed."""

    agent: str
    method: str
    examples: int
    tokens: int
    """At most, over all epochs; prompt and answer."""
    peak_gib: float
    minutes: float | None
    """From the rate of this project's last training; none before the first."""
    tokens_per_second: float | None


def estimate(project: Project, workspace: Workspace, agent: str) -> TrainingEstimate:
    """Estimate the training of an agent on this machine.

    Raises:
        DatasetError: the agent has no dataset yet.
    """
    items = [item for item in load_items(workspace, agent) if item.split == "train"]
    if not items:
        raise DatasetError(
            "there are no training items.", element=agent, remedy=f"Make them: `allotment dataset generate {agent}`."
        )
    examples = examples_of(items, template_of(project.models.base))
    characters = sum(len(example.prompt) + len(example.answer) for example in examples)
    tokens = round(characters / _CHARACTERS_PER_TOKEN) * project.training.epochs
    rate = _last_rate(project, workspace)
    minutes = tokens / rate / 60 if rate else None
    return TrainingEstimate(
        agent, f"LoRA rank {project.training.rank}, fp32, CPU", len(examples), tokens, _peak_gib(project), minutes, rate
    )


def _peak_gib(project: Project) -> float:
    """Weights in fp32, adapter with Adam, one batch's logits."""
    weights = fp32_bytes(find_model(project.models.base).size_bytes)
    logits = project.training.batch_size * 32 * 262_144 * 4 * 3
    return (weights + logits + _OVERHEAD_BYTES) / 2**30


def _last_rate(project: Project, workspace: Workspace) -> float | None:
    """Rate of the newest training whose manifest is what was written; one that is not says nothing."""
    rates: list[tuple[str, float]] = []
    for agent in project.agents:
        for version in adapter_versions(workspace, agent):
            with suppress(PolicyError, MissingPartError):
                manifest = load_manifest(project, workspace, agent, version)
                if manifest.measured["tokens_per_second"]:
                    rates.append((manifest.created, float(manifest.measured["tokens_per_second"])))
    return max(rates)[1] if rates else None
