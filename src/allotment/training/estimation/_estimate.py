"""What a training will need before it runs: tokens, memory, minutes and dollars, on every card and by every method."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from allotment.errors import MissingPartError, PolicyError, ProjectError
from allotment.project import Project, TrainingConfig
from allotment.training._manifest import adapter_versions, load_manifest
from allotment.training.estimation._cards import Card, shipped_cards
from allotment.training.estimation._estimate_rows import EstimateRow, row, unknown_row
from allotment.training.estimation._here import THIS_MACHINE, this_machine
from allotment.training.estimation._shapes import ModelShape, shape_of
from allotment.training.estimation._work import given_work, work_of_dataset
from allotment.workspace import Workspace

_METHODS = ("lora", "qlora", "dora", "partial", "full")


@dataclass(frozen=True)
class TrainingEstimate:
    """Figures of a training to come. None is unknown: nothing here is guessed."""

    agent: str
    model: str
    method: str
    """As configured."""
    parameters: int | None
    """Of the model."""
    examples: int | None
    """None where tokens were given instead of a dataset."""
    tokens: int
    """At most, over all epochs; prompt and answer."""
    tokens_per_second: float | None
    """Measured by this project's last training; none before the first."""
    here: EstimateRow
    """This machine, by the configured method."""
    cheapest: EstimateRow | None
    """The row of the configured method that costs least on demand among those that fit, be it with changes that do not
    change what is learnt."""
    rows: tuple[EstimateRow, ...]
    """This machine, then every card, each by every method."""

    @property
    def peak_gib(self) -> float | None:
        """On this machine."""
        return self.here.peak_gib

    @property
    def minutes(self) -> float | None:
        """On this machine."""
        return self.here.minutes


def estimate(
    project: Project,
    workspace: Workspace,
    agent: str,
    *,
    model: str | None = None,
    cards: Sequence[Card] | None = None,
    tokens: int | None = None,
) -> TrainingEstimate:
    """Estimate an agent's training on this machine and on cards.

    Args:
        project: the project.
        workspace: its workspace.
        agent: whose dataset is trained on.
        model: another model than the project's base: a name or a path, see ``shape_of``.
        cards: a price list; the shipped one if none.
        tokens: trained in all, instead of those of the dataset; the heaviest batch is then the largest possible.

    Raises:
        DatasetError: the agent has no dataset yet, and no tokens are given.
        ProjectError: ``model`` is not known.
    """
    training = project.training
    work = work_of_dataset(project, workspace, agent) if tokens is None else given_work(training, tokens)
    rate = _last_rate(project, workspace) if model is None else None
    shape = _shape(project, model)
    offered = shipped_cards() if cards is None else tuple(cards)
    machine, device = this_machine(training.price_usd_per_hour)
    if shape is None:
        rows = [unknown_row(machine, training, work, rate)]
    else:
        methods = _methods(training, shape)
        rows = [
            row(machine, device, shape, one, work, offered, measured=rate if one is training else None)
            for one in methods
        ]
        rows += [row(card, "cuda", shape, one, work, offered) for card in offered for one in methods]
    return TrainingEstimate(
        agent=agent,
        model=shape.name if shape else project.models.base,
        method=training.method,
        parameters=shape.parameters if shape else None,
        examples=work.examples,
        tokens=work.tokens,
        tokens_per_second=rate,
        here=rows[0],
        cheapest=_cheapest(rows, training.method),
        rows=tuple(rows),
    )


def _cheapest(rows: Sequence[EstimateRow], method: str) -> EstimateRow | None:
    priced = [(one.usd, one) for one in rows if one.usd is not None and one.card != THIS_MACHINE]
    mine = [(usd, one) for usd, one in priced if one.method == method and (one.fits or one.changes)]
    return min(mine, key=lambda pair: pair[0], default=(None, None))[1]


def _shape(project: Project, model: str | None) -> ModelShape | None:
    """A model that is asked for must be known; the project's own base may be one that cannot be reckoned."""
    if model is not None:
        return shape_of(model)
    with suppress(ProjectError):
        return shape_of(project.models.base)
    return None


def _methods(training: TrainingConfig, shape: ModelShape) -> tuple[TrainingConfig, ...]:
    """Settings for each method, the configured one first. rsLoRA needs what LoRA needs."""
    upper = tuple(f"layers.{number}" for number in range(shape.layers - max(1, shape.layers // 4), shape.layers))
    others = [name for name in _METHODS if name not in (training.method, training.method.removeprefix("rs"))]
    return (
        training,
        *(
            training.model_copy(update={"method": name, "unfrozen": upper if name == "partial" else ()})
            for name in others
        ),
    )


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
