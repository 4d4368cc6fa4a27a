"""From an experiment's file to its plan: every run with its estimate, and what is refused before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from allotment.dataset import Item, load_items
from allotment.errors import PolicyError, ProjectError
from allotment.experiments._expand import Combination, expand
from allotment.experiments._file import ExecutorName, ExperimentFile, load_file
from allotment.experiments._plan import Plan, PlannedRun
from allotment.experiments._predict import Place, Predictor, max_seconds, place_of
from allotment.project import Project
from allotment.training import Card, EstimateRow, shipped_cards, training_inputs
from allotment.training._inputs import settings_of_weight
from allotment.training._preflight import preflight
from allotment.workspace import Workspace, hash_file, hash_json

_ID_DIGITS = 8


@dataclass(frozen=True)
class Experiment:
    """A file that was read and can be carried out."""

    file: ExperimentFile
    plan: Plan
    place: Place


def plan_experiment(
    project: Project,
    workspace: Workspace,
    path: Path,
    *,
    executor: ExecutorName | None = None,
    max_cost_usd: float | None = None,
    in_flight: int | None = None,
    max_minutes: float | None = None,
    cards: Sequence[Card] | None = None,
) -> Experiment:
    """Read a file, and estimate and check each of its runs; nothing is started.

    Args:
        project: the project.
        workspace: its workspace.
        path: the file.
        executor: where runs go; as the file says if none.
        max_cost_usd: as ``limits.max_cost_usd``, and before it; so are ``in_flight`` and ``max_minutes``.
        in_flight: most runs at once.
        max_minutes: longest that one run may take.
        cards: a price list; the shipped one if none.

    Raises:
        ProjectError: the file is wrong, makes too many runs, or its limits cannot be kept.
        DatasetError: the agent has no dataset.
        PolicyError: an item may not be read by every role the agent serves, or its documents stay on this machine.
        MissingPartError: a base model is not here.
    """
    file = _limited(load_file(path), max_cost_usd, in_flight, max_minutes)
    chosen = executor or file.executor
    if file.agent not in project.agents:
        known = ", ".join(sorted(project.agents))
        raise ProjectError(f"there is no agent {file.agent!r}.", element=str(path), remedy=f"Declared: {known}.")
    require_leave(project, file, chosen)
    combinations = expand(project, file, path)
    items = load_items(workspace, file.agent)
    _check(project, workspace, file, combinations, items)
    place = place_of(file, chosen, _price(project, file, chosen), shipped_cards() if cards is None else cards)
    predictor = Predictor(project, workspace, file.agent, place)
    grounds = {base: _ground(project, workspace, file.agent, base) for base in {one.base for one in combinations}}
    runs = tuple(
        _planned(number, one, grounds[one.base], file, predictor, place) for number, one in enumerate(combinations, 1)
    )
    _require_limits(file, runs, path)
    halving = file.halving
    plan = Plan(
        name=file.name,
        agent=file.agent,
        path=str(path.resolve()),
        file_sha256=hash_file(path),
        decide=file.decide,
        executor=chosen,
        retries=file.limits.retries,
        max_cost_usd=file.limits.max_cost_usd,
        halving_at=halving.at if halving else (),
        halving_keep=halving.keep if halving else 1.0,
        runs=runs,
    )
    return Experiment(file, plan, place)


def _price(project: Project, file: ExperimentFile, executor: str) -> float | None:
    """What an hour costs, as far as somebody says; a rented card's price is the price list's."""
    said = [file.price_usd_per_hour]
    if executor != "pods":
        said += [file.training.get("price_usd_per_hour"), project.training.price_usd_per_hour]
    return next((float(price) for price in said if price is not None), None)


def _limited(
    file: ExperimentFile, max_cost: float | None, in_flight: int | None, max_minutes: float | None
) -> ExperimentFile:
    said = {"max_cost_usd": max_cost, "in_flight": in_flight, "max_minutes": max_minutes}
    changes = {key: value for key, value in said.items() if value is not None}
    return file.model_copy(update={"limits": file.limits.model_copy(update=changes)})


def require_leave(project: Project, file: ExperimentFile, executor: str) -> None:
    """Refuse to send away what stays here.

    Raises:
        PolicyError: the agent learns documents marked ``local_only``, and runs would go elsewhere.
    """
    elsewhere = executor == "pods" or (executor == "ray" and file.ray.address is not None)
    closed = [name for name in project.agents[file.agent].documents if project.documents[name].local_only]
    if elsewhere and closed:
        raise PolicyError(
            f"the agent learns documents that stay on this machine ({', '.join(sorted(closed))}).",
            element=f"{file.agent}, executor {executor}",
            remedy="Run it with `--executor local`, or take `local_only` from the documents.",
        )


def project_of(project: Project, base: str, training: Any) -> Project:
    """The project with a run's base model and settings."""
    models = project.models.model_copy(update={"base": base})
    return project.model_copy(update={"models": models, "training": training})


def _check(
    project: Project, workspace: Workspace, file: ExperimentFile, runs: Sequence[Combination], items: Sequence[Item]
) -> None:
    """What must hold before anything starts; once for each base model, and for each that is trained in another way."""
    asked: dict[tuple[object, ...], Combination] = {}
    for run in runs:
        method = "whole" if run.training.method in ("partial", "full") else "adapter"
        key = (run.base, method, run.training.batch_size, run.training.cards, run.training.report_to)
        asked.setdefault(key, run)
    for run in asked.values():
        # Questions are given to runs as well, so all items must be readable by every role of the agent.
        preflight(project_of(project, run.base, run.training), workspace, file.agent, items)
    if file.decide == "recall" and not (file.questions and any(_is_question(item) for item in items)):
        raise ProjectError(
            "recall decides, and the dataset has no held-out questions.",
            element=f"{file.agent}, decide",
            remedy="Generate paraphrases (`dataset.paraphrases` of 2 or more), or decide by held_out_loss or loss.",
        )
    if file.decide == "held_out_loss" and not any(item.split == "validation" for item in items):
        raise ProjectError(
            "held_out_loss decides, and no documents are held out.",
            element=f"{file.agent}, decide",
            remedy="Set dataset.validation_share and generate again, or decide by recall or loss.",
        )


def _is_question(item: Item) -> bool:
    return item.split == "held_out" and item.is_fact and bool(item.value)


def questions_of(items: Sequence[Item], most: int) -> list[Item]:
    """Held-out questions that every run is asked; of more than ``most`` the same ones each time."""
    found = [item for item in items if _is_question(item)]
    chosen = {item.id for item in sorted(found, key=lambda item: hash_json(item.id))[:most]}
    return [item for item in found if item.id in chosen]


def _ground(project: Project, workspace: Workspace, agent: str, base: str) -> str:
    """Hash of what a run is made from besides its settings."""
    return training_inputs(project_of(project, base, project.training), workspace, agent)


def _planned(
    number: int, run: Combination, ground: str, file: ExperimentFile, predictor: Predictor, place: Place
) -> PlannedRun:
    predicted = predictor.predict(run, refuse_unfit=file.limits.refuse_unfit)
    found = predicted.row
    price = place.card.usd_per_hour
    training = run.training.model_copy(update={"price_usd_per_hour": price})
    return PlannedRun(
        id=hash_json([ground, settings_of_weight(run.training)])[:_ID_DIGITS],
        number=number,
        base=run.base,
        training=training.model_dump(mode="json"),
        varied=run.varied,
        cards=run.training.cards,
        peak_gib=found.peak_gib if found else None,
        safe_gib=found.safe_gib if found else None,
        minutes=found.minutes if found else None,
        usd=found.usd if found else None,
        usd_per_hour=price,
        max_seconds=max_seconds(file, found),
        refused=predicted.refused,
        note=_note(found),
        estimate=asdict(found) if found else {},
    )


def _note(found: EstimateRow | None) -> str:
    if found is None or not found.changes:
        return ""
    return ", ".join(f"{name}: {str(value).lower()}" for name, value in found.changes.items())


def _require_limits(file: ExperimentFile, runs: Sequence[PlannedRun], path: Path) -> None:
    """A limit that cannot be kept is refused: an unknown price or duration is no permission."""
    if file.limits.max_cost_usd is None:
        return
    may_run = [run for run in runs if not run.refused]
    if any(run.usd_per_hour is None for run in may_run):
        raise ProjectError(
            "what the runs cost cannot be limited: nobody knows what an hour costs.",
            element=f"{path}, limits.max_cost_usd",
            remedy="Write price_usd_per_hour in the file.",
        )
    endless = [run.number for run in may_run if run.max_seconds is None]
    if endless:
        raise ProjectError(
            f"what the runs cost cannot be limited: nobody knows how long run {endless[0]} takes.",
            element=f"{path}, limits.max_cost_usd",
            remedy="Write limits.max_minutes in the file, or --max-minutes.",
        )
