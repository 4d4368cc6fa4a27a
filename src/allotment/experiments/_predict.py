"""What each run will need, by the estimator: memory, minutes, dollars; and which cannot fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from allotment.errors import DatasetError, ProjectError
from allotment.experiments._expand import Combination
from allotment.experiments._file import ExperimentFile, PodsPlace
from allotment.project import Project
from allotment.training import Card, EstimateRow, shipped_cards
from allotment.training.estimation._cards import card_key, find_card
from allotment.training.estimation._estimate import _last_rate
from allotment.training.estimation._estimate_rows import row, unknown_row
from allotment.training.estimation._here import this_machine
from allotment.training.estimation._memory import Device
from allotment.training.estimation._shapes import ModelShape, shape_of
from allotment.training.estimation._work import Work, work_of_dataset
from allotment.workspace import Workspace

_SLACK, _SLACK_S = 2.0, 600.0
"""Where money is limited and minutes are not, a run may take so many times as long as the slowest estimate, and so many
seconds for what an estimate leaves out."""


@dataclass(frozen=True)
class Place:
    """Where runs go, as the estimator knows it."""

    card: Card
    device: Device


@dataclass(frozen=True)
class Prediction:
    """Of one run. None is unknown."""

    row: EstimateRow | None
    refused: str
    """Why it cannot go well; empty if it may."""


def place_of(file: ExperimentFile, executor: str, price: float | None, offered: Sequence[Card]) -> Place:
    """The card that runs get.

    Args:
        file: the experiment's.
        executor: where runs go.
        price: of an hour, where it is said.
        offered: a price list.

    Raises:
        ProjectError: the card is not in the price list, or not known.
    """
    if executor == "pods":
        return Place(_rented(_pods(file), price, offered), "cuda")
    if executor == "ray" and file.ray.card is not None:
        card = find_card(file.ray.card)
        if card is None:
            raise ProjectError(f"the card {file.ray.card!r} is not known.", element="ray.card", remedy=_known(offered))
        return Place(replace(card, usd_per_hour=price), "cuda")
    card, device = this_machine(price)
    if executor == "ray" and file.ray.address is not None:
        return Place(replace(card, vram_gib=0.0, bf16_tflops=None), device)  # nobody knows what the nodes are
    if device == "cpu" and file.limits.memory_gib is not None:
        card = replace(card, vram_gib=min(card.vram_gib or file.limits.memory_gib, file.limits.memory_gib))
    return Place(card, device)


def _pods(file: ExperimentFile) -> PodsPlace:
    if file.pods is None:
        raise ProjectError(
            "pods need to know which card.", element="pods", remedy="Write `pods: {accelerator: RTX 4090}` in the file."
        )
    return file.pods


def _rented(pods: PodsPlace, price: float | None, offered: Sequence[Card]) -> Card:
    provider = (pods.infra or "").partition("/")[0].lower()
    same = [card for card in offered if card_key(card.gpu) == card_key(pods.accelerator)]
    there = [card for card in same if card.provider.lower().startswith(provider)] if provider else same
    there = there or [card for card in same if card.provider == "your price"]
    if not there and price is None:
        at = f" at {pods.infra}" if provider and same else ""
        raise ProjectError(
            f"the price list has no {pods.accelerator!r}{at}.", element="pods.accelerator", remedy=_known(offered)
        )
    known = there[0] if there else find_card(pods.accelerator)
    if known is None:
        raise ProjectError(
            f"the card {pods.accelerator!r} is not known.", element="pods.accelerator", remedy=_known(offered)
        )
    if price is not None:
        return replace(known, usd_per_hour=price)
    priced = [(usd, card) for card in there if (usd := _price(card, pods)) is not None]
    # Nobody knows yet which of a provider's machines it will be; the dearest is promised.
    usd, card = max(priced, key=lambda pair: pair[0], default=(None, known))
    return replace(card, usd_per_hour=usd)


def _price(card: Card, pods: PodsPlace) -> float | None:
    return card.usd_per_hour_spot if pods.spot else card.usd_per_hour


def _known(offered: Sequence[Card]) -> str:
    names = ", ".join(sorted({card.gpu for card in (*offered, *shipped_cards())}))
    return f"Known: {names}. Your own price: --price 'CARD=USD', or price_usd_per_hour in the file."


class Predictor:
    """Estimates runs of one experiment; what they share is reckoned once."""

    def __init__(self, project: Project, workspace: Workspace, agent: str, place: Place) -> None:
        self._project, self._workspace, self._agent, self._place = project, workspace, agent, place
        self._rate = _last_rate(project, workspace) if place.device == "cpu" else None
        self._works: dict[str, Work | None] = {}
        self._shapes: dict[str, ModelShape | None] = {}

    def predict(self, run: Combination, *, refuse_unfit: bool) -> Prediction:
        """The estimator's row for where the run goes; none for a run without anything to learn."""
        work = self._work(run)
        if work is None:
            return Prediction(None, "bad data: its mix leaves nothing to train on")
        training, card = run.training, self._place.card
        shape = self._shape(run.base)
        # What was measured here was this project's base model with the configured method.
        is_measured = (run.base, training.method) == (self._project.models.base, self._project.training.method)
        rate = self._rate if is_measured else None
        if shape is None:
            return Prediction(unknown_row(card, training, work, rate), "")
        try:
            found = row(card, self._place.device, shape, training, work, (), measured=rate)
        except ProjectError as error:  # a setting this model does not have
            return Prediction(None, f"configuration: {error}".rstrip("."))
        return Prediction(found, _unfit(found, training.gradient_checkpointing) if refuse_unfit else "")

    def _work(self, run: Combination) -> Work | None:
        training = run.training.model_copy(update={"epochs": 1})
        keys = ("mix", "max_length", "batch_size", "packing")
        key = f"{run.base} {[getattr(training, key) for key in keys]}"
        if key not in self._works:
            self._works[key] = self._work_of(run.base, training)
        work = self._works[key]
        return None if work is None else replace(work, tokens=work.tokens * run.training.epochs)

    def _work_of(self, base: str, training: object) -> Work | None:
        models = self._project.models.model_copy(update={"base": base})
        project = self._project.model_copy(update={"training": training, "models": models})
        try:
            return work_of_dataset(project, self._workspace, self._agent)
        except DatasetError as error:
            if "no training items" in error.message:
                return None
            raise

    def _shape(self, base: str) -> ModelShape | None:
        if base not in self._shapes:
            try:
                self._shapes[base] = shape_of(base)
            except ProjectError:
                self._shapes[base] = None
        return self._shapes[base]


def _unfit(found: EstimateRow, checkpointing: object) -> str:
    """Why it does not fit, for one that no change the trainer makes by itself would make fit."""
    by_itself = {"micro_batch_tokens"} | ({"gradient_checkpointing"} if checkpointing == "auto" else set())
    if found.fits is not False or (found.changes and found.changes.keys() <= by_itself):
        return ""
    return (
        f"out of memory: it needs up to {found.safe_gib:.1f} GiB and there are {found.vram_gib:.1f};"
        f" what would help: {found.advice}"
    )


def max_seconds(file: ExperimentFile, found: EstimateRow | None) -> float | None:
    """After which a run is ended, all its attempts together; none: it may take as long as it does."""
    if file.limits.max_minutes is not None:
        return file.limits.max_minutes * 60
    minutes = (found.minutes_slow or found.minutes) if found else None
    if file.limits.max_cost_usd is None or minutes is None:
        return None
    return minutes * 60 * _SLACK + _SLACK_S


def figures(found: EstimateRow | None) -> dict[str, object]:
    """The row as it is kept."""
    return asdict(found) if found else {}
