"""What a training goes through: tokens of all epochs, and its heaviest batch."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.dataset import load_items
from allotment.documents._tokens import estimate_tokens
from allotment.errors import DatasetError
from allotment.models import template_of
from allotment.project import Project, TrainingConfig
from allotment.training._examples import Example, examples_of
from allotment.training._mix import training_items
from allotment.training._packing import heaviest
from allotment.training.estimation._fit import Batch
from allotment.workspace import Workspace

_ANSWER_SHARE = 0.5
"""Of tokens, where there is no dataset to count in."""


@dataclass(frozen=True)
class Work:
    """How much is trained."""

    examples: int | None
    """None where tokens were given instead of a dataset."""
    tokens: int
    """Of all epochs."""
    batch: Batch
    sequence: float
    """Tokens of an example, in the mean."""


def given_work(training: TrainingConfig, tokens: int) -> Work:
    """So many tokens; the heaviest batch is then the largest that the settings allow."""
    whole = training.batch_size * training.max_length
    return Work(
        None, tokens, Batch(whole, training.max_length, round(whole * _ANSWER_SHARE)), float(training.max_length)
    )


def work_of_dataset(project: Project, workspace: Workspace, agent: str) -> Work:
    """What the agent's dataset holds, at most: over-long examples are counted, up to the longest that is trained.

    Raises:
        DatasetError: there is no dataset.
    """
    items = training_items(load_items(workspace, agent), project.training.mix)
    if not items:
        raise DatasetError(
            "there are no training items.",
            element=agent,
            remedy=f"Make them: `allotment dataset generate {agent}`; or say how many tokens: `--tokens N`.",
        )
    training = project.training
    sizes = [_sizes(example) for example in examples_of(items, template_of(project.models.base))]
    lengths = [min(read + learnt, training.max_length) for read, learnt in sizes]
    chosen = heaviest(lengths, training.batch_size)
    longest = lengths[chosen[0]]
    whole = sum(lengths[n] for n in chosen) if training.packing else longest * len(chosen)
    batch = Batch(whole, longest, min(whole, sum(sizes[n][1] for n in chosen)))
    total = sum(lengths)
    return Work(len(sizes), total * training.epochs, batch, total / len(sizes))


def _sizes(example: Example) -> tuple[int, int]:
    """Tokens read and tokens learnt, near enough: to count them would take the model's tokenizer."""
    return estimate_tokens(example.prompt) + 1, max(1, estimate_tokens(example.answer))
