"""What a training process is given: examples as text, and a spec that says how they are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from allotment.dataset import Item
from allotment.models import find_model, locate, template_of
from allotment.project import Project
from allotment.training._examples import examples_of
from allotment.training._mix import training_items
from allotment.workspace import write_jsonl

EXAMPLES_FILE, VALIDATION_FILE = "examples.jsonl", "validation.jsonl"


def write_examples(project: Project, items: Sequence[Item], folder: Path) -> bool:
    """Write the training items, by the project's mix, and those of held-out documents.

    Args:
        project: whose ``training`` and base model count.
        items: an agent's, whatever their split.
        folder: where to.

    Returns:
        Whether there are any of held-out documents.
    """
    held_out = [item for item in items if item.split == "validation"]
    _write(project, training_items(items, project.training.mix), folder / EXAMPLES_FILE)
    if held_out:
        _write(project, held_out, folder / VALIDATION_FILE)
    return bool(held_out)


def spec_of(
    project: Project, folder: Path, *, held_out: bool, predicted: Mapping[str, Any], max_cost_usd: float | None
) -> dict[str, Any]:
    """The worker's spec.

    Args:
        project: whose ``training`` and base model count.
        folder: the run's, with the examples.
        held_out: whether there are examples of held-out documents.
        predicted: the estimate for where it runs.
        max_cost_usd: do not begin what would cost more.
    """
    base = project.models.base
    return {
        "base": {"file": str(locate(base)), "sha256": find_model(base).sha256},
        "template": template_of(base).name,
        "training": {**project.training.model_dump(mode="json"), **made_to_fit(predicted)},
        "examples_file": str(folder / EXAMPLES_FILE),
        "validation_file": str(folder / VALIDATION_FILE) if held_out else None,
        "out": str(folder),
        "estimate": dict(predicted),
        "max_cost_usd": max_cost_usd,
    }


def made_to_fit(predicted: Mapping[str, Any]) -> dict[str, Any]:
    """Smaller passes where the whole batch would not fit: of memory that runs out on a processor nobody is told, the
    kernel just ends the process. What is learnt stays the same."""
    changes = predicted["changes"]
    return {key: changes[key] for key in ("micro_batch_tokens",) if key in changes}


def _write(project: Project, items: Sequence[Item], file: Path) -> None:
    examples = examples_of(items, template_of(project.models.base))
    write_jsonl(file, ({"prompt": one.prompt, "answer": one.answer} for one in examples))
