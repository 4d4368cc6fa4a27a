"""Whether a training fits into a memory, and which settings would make it fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from allotment.project import TrainingConfig
from allotment.training.estimation._learning import ADAPTERS
from allotment.training.estimation._memory import Device, Memory, predict_peak_gib
from allotment.training.estimation._shapes import ModelShape

_FEWEST_TOKENS = 32
"""``training.micro_batch_tokens`` is no less."""


@dataclass(frozen=True)
class Batch:
    """The heaviest batch of a training."""

    tokens: int
    """Of all its examples together, fill included where they are not packed."""
    longest: int
    """Of its longest example: a pass cannot be smaller."""
    answer_tokens: int | None = None
    """Those with a label; none if it is not known."""

    def largest_pass(self, budget: int | None) -> int:
        """Tokens of the largest pass when at most ``budget`` are to share one."""
        return self.tokens if budget is None else min(self.tokens, max(budget, self.longest))


@dataclass(frozen=True)
class Setup:
    """One way to run a training: settings as they are, or with changes."""

    shape: ModelShape
    training: TrainingConfig
    """With the changes."""
    batch: Batch
    device: Device
    checkpointing: bool
    changes: dict[str, Any] = field(default_factory=dict)
    """Settings of ``training`` to write so that it runs this way."""

    @property
    def tokens_in_pass(self) -> int:
        """Of the largest pass."""
        return self.batch.largest_pass(self.training.micro_batch_tokens)

    @cached_property
    def memory(self) -> Memory:
        """What it needs."""
        tokens = self.tokens_in_pass
        answers = self.batch.answer_tokens
        return predict_peak_gib(
            self.shape,
            self.training,
            tokens_in_pass=tokens,
            device=self.device,
            checkpointing=self.checkpointing,
            answer_tokens=None if answers is None else min(answers, tokens),
        )

    def fits(self, memory_gib: float) -> bool:
        """Whether its safe bound is no more than a memory."""
        return self.memory.safe_gib <= memory_gib


def as_configured(
    shape: ModelShape, training: TrainingConfig, batch: Batch, device: Device, memory_gib: float | None
) -> Setup:
    """The training as it is configured; ``gradient_checkpointing: auto`` is yes where it does not fit without."""
    wanted = training.gradient_checkpointing
    without = Setup(shape, training, batch, device, wanted is True)
    if wanted != "auto" or memory_gib is None or without.fits(memory_gib):
        return without
    return Setup(shape, training, batch, device, True)


def made_to_fit(setup: Setup, memory_gib: float) -> Setup | None:
    """The setup, or the first that fits of those that need ever more changes; none if no setting helps.

    In this order: activations computed twice, fewer tokens in a pass, which change nothing of what is learnt; then
    another method.
    """
    return next((one for one in _ladder(setup) if one.fits(memory_gib)), None)


def smallest(setup: Setup) -> Setup:
    """What needs least memory without another method."""
    return list(_same_method(setup))[-1]


def _ladder(setup: Setup) -> Iterator[Setup]:
    yield from _same_method(setup)
    for method in _frugal_methods(setup.training.method):
        yield from _same_method(_changed(setup, {"method": method, "unfrozen": ()}))


def _frugal_methods(method: str) -> tuple[str, ...]:
    if method == "qlora":
        return ()
    return ("qlora",) if method in ADAPTERS else ("lora", "qlora")


def _same_method(setup: Setup) -> Iterator[Setup]:
    yield setup
    if not setup.checkpointing:
        setup = _changed(setup, {"gradient_checkpointing": True})
        yield setup
    least = max(_FEWEST_TOKENS, setup.batch.longest)
    budget = setup.tokens_in_pass
    while budget > least:
        budget = max(least, budget // 2)
        yield _changed(setup, {"micro_batch_tokens": budget})


def _changed(setup: Setup, changes: Mapping[str, Any]) -> Setup:
    return Setup(
        setup.shape,
        setup.training.model_copy(update=dict(changes)),
        setup.batch,
        setup.device,
        bool(changes.get("gradient_checkpointing", setup.checkpointing)),
        {**setup.changes, **changes},
    )
