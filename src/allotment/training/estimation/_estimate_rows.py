"""One training on one card by one method: what it needs, whether it fits, how long it takes and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from allotment.project import TrainingConfig
from allotment.training.estimation._cards import Card
from allotment.training.estimation._fit import Setup, as_configured, made_to_fit, smallest
from allotment.training.estimation._flops import EFFICIENCY, SLOW_EFFICIENCY, tokens_per_second
from allotment.training.estimation._memory import Device
from allotment.training.estimation._shapes import ModelShape
from allotment.training.estimation._work import Work


@dataclass(frozen=True)
class EstimateRow:
    """One training on one card by one method. None is unknown: nothing here is guessed."""

    card: str
    """``this machine`` is where the estimate was made."""
    provider: str
    as_of: str
    """Day or month of the price."""
    vram_gib: float | None
    """Memory of the card; of the machine for a processor."""
    usd_per_hour: float | None
    usd_per_hour_spot: float | None
    method: str
    fits: bool | None
    """Whether the safe bound fits with the settings as they are."""
    changes: dict[str, Any]
    """Settings of ``training`` that make it fit; this row's figures are for them. Empty where none are needed, or none
    of this method would do."""
    advice: str
    """What would make it fit, in words."""
    gradient_checkpointing: bool
    """Whether activations are computed twice; ``auto`` is decided here."""
    tokens: int
    """Trained, over all epochs."""
    tokens_in_pass: int
    """Of the largest forward pass."""
    peak_gib: float | None = None
    """Expected."""
    safe_gib: float | None = None
    """What the peak should not exceed."""
    terms: dict[str, float] = field(default_factory=dict)
    """Expected GiB by what needs it; they add up to ``peak_gib``."""
    tokens_per_second: float | None = None
    minutes: float | None = None
    """Of training alone: starting a rented machine and fetching the model are billed, too."""
    minutes_slow: float | None = None
    """At the rate of the slowest stack that is published."""
    usd: float | None = None
    usd_spot: float | None = None


def unknown_row(card: Card, training: TrainingConfig, work: Work, rate: float | None) -> EstimateRow:
    """A row for a model whose shape is not known."""
    return EstimateRow(
        **_offer(card),
        method=training.method,
        fits=None,
        changes={},
        advice="the model's shape is not known, so neither is its memory",
        gradient_checkpointing=training.gradient_checkpointing is True,
        tokens=work.tokens,
        tokens_in_pass=work.batch.largest_pass(training.micro_batch_tokens),
        **_cost(card, work, rate, rate),
    )


def row(
    card: Card,
    device: Device,
    shape: ModelShape,
    training: TrainingConfig,
    work: Work,
    offered: Sequence[Card],
    *,
    measured: float | None = None,
) -> EstimateRow:
    """What a training needs on a card.

    Args:
        card: what it runs on; a memory of 0 is unknown.
        device: the card's kind.
        shape: the model.
        training: method and settings.
        work: how much is trained.
        offered: cards to choose from where this one is too small.
        measured: tokens a second if they are known from a run; reckoned from the card's peak if none.
    """
    known = card.vram_gib > 0
    setup = as_configured(shape, training, work.batch, device, card.vram_gib if known else None)
    fitted = made_to_fit(setup, card.vram_gib) if known else setup
    shown = fitted if fitted and "method" not in fitted.changes else setup
    may_run = fitted is shown
    rate, slow = (measured, measured) if measured else _rates(card, shown, work) if may_run else (None, None)
    return EstimateRow(
        **_offer(card),
        method=training.method,
        fits=fitted is setup if known else None,
        changes=shown.changes,
        advice=_advice(setup, fitted, offered),
        gradient_checkpointing=shown.checkpointing,
        tokens=work.tokens,
        tokens_in_pass=shown.tokens_in_pass,
        peak_gib=round(shown.memory.expected_gib, 3),
        safe_gib=round(shown.memory.safe_gib, 3),
        terms={name: round(size, 3) for name, size in shown.memory.terms.items()},
        **_cost(card, work, rate, slow),
    )


def _offer(card: Card) -> dict[str, Any]:
    return {
        "card": card.gpu,
        "provider": card.provider,
        "as_of": card.as_of,
        "vram_gib": card.vram_gib or None,
        "usd_per_hour": card.usd_per_hour,
        "usd_per_hour_spot": card.usd_per_hour_spot,
    }


def _rates(card: Card, setup: Setup, work: Work) -> tuple[float | None, float | None]:
    """Tokens a second to be expected, and at the slowest; a processor's are measured or unknown."""
    if card.bf16_tflops is None or setup.device == "cpu":
        return None, None
    expected, slow = (
        tokens_per_second(
            setup.shape,
            setup.training,
            peak_tflops=card.bf16_tflops,
            checkpointing=setup.checkpointing,
            sequence=work.sequence,
            tokens_in_pass=setup.tokens_in_pass,
            efficiency=efficiency,
        )
        for efficiency in (EFFICIENCY, SLOW_EFFICIENCY)
    )
    return expected, slow


def _cost(card: Card, work: Work, rate: float | None, slow: float | None) -> dict[str, Any]:
    minutes = work.tokens / rate / 60 if rate else None
    return {
        "tokens_per_second": rate,
        "minutes": minutes,
        "minutes_slow": work.tokens / slow / 60 if slow else None,
        "usd": _dollars(minutes, card.usd_per_hour),
        "usd_spot": _dollars(minutes, card.usd_per_hour_spot),
    }


def _dollars(minutes: float | None, usd_per_hour: float | None) -> float | None:
    return None if minutes is None or usd_per_hour is None else minutes / 60 * usd_per_hour


def _advice(setup: Setup, fitted: Setup | None, offered: Sequence[Card]) -> str:
    """What would make it fit, in words; empty where it fits."""
    if fitted is setup:
        return ""
    told = [_settings(fitted)] if fitted else []
    if fitted is None or "method" in fitted.changes:
        told.append(_larger_card(smallest(setup), offered))
    return ", or ".join(told)


def _settings(setup: Setup) -> str:
    values = {name: str(value).lower() for name, value in setup.changes.items() if value}
    return ", ".join(f"{name}: {value}" for name, value in values.items())


def _larger_card(needed: Setup, offered: Sequence[Card]) -> str:
    larger = [card for card in offered if needed.fits(card.vram_gib)]
    least = min(larger, key=lambda card: (card.vram_gib, card.usd_per_hour or 0.0), default=None)
    gib = int(-(-needed.memory.safe_gib // 1))
    return f"a card of {gib} GiB" + (f" such as {least.gpu}" if least else ", and none of these has that much")
