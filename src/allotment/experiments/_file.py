"""An experiment's file: a base configuration, what varies, what decides, and the limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from allotment.errors import ProjectError
from allotment.experiments._names import check_settings, suggested
from allotment.project._base import Name, Strict, check_name
from allotment.project._load import _UniqueKeyLoader

Decider = Literal["recall", "held_out_loss", "loss", "minutes", "usd"]
ExecutorName = Literal["local", "ray", "pods"]
MOST_RUNS = 5_000
"""No file makes more, whatever it says."""


class Range(Strict):
    """Values from ``low`` to ``high``: evenly spaced in a grid, at random in a sample."""

    low: float
    high: float
    log: bool = False
    """Whether they are spaced by factors instead of differences."""
    steps: int | None = Field(default=None, ge=2, le=1000)
    """How many, in a grid."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low >= self.high or (self.log and self.low <= 0):
            raise ValueError("a range goes from low to a higher high, and above zero with log")
        return self


class ExperimentLimits(Strict):
    """What an experiment may take."""

    max_cost_usd: float | None = Field(default=None, ge=0)
    """Money of all runs together, those in flight at the most they may take; needs a price."""
    max_minutes: float | None = Field(default=None, gt=0)
    """Longest that one run may take, all its attempts together; then it is ended."""
    in_flight: int | None = Field(default=None, ge=1, le=1000)
    """Most runs at once; without it as many as there are cards, or as fit into a processor's memory and cores."""
    memory_gib: float | None = Field(default=None, gt=0)
    """Most RAM one run may hold; one that holds more is ended as out of memory, so that the others live."""
    retries: int = Field(default=2, ge=0, le=20)
    """Further attempts after a fault of the machine. No other crash is tried again."""
    max_runs: int = Field(default=200, ge=1, le=MOST_RUNS)
    """A file that makes more runs is refused."""
    refuse_unfit: bool = True
    """Whether a run is refused whose estimate says that it does not fit into memory."""


class Halving(Strict):
    """Successive halving: all runs pause at an epoch, the best go on."""

    at: tuple[int, ...] = Field(min_length=1)
    """Epochs at which they pause."""
    keep: float = Field(default=0.5, gt=0, lt=1)
    """Share that goes on, rounded up."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if list(self.at) != sorted(set(self.at)) or self.at[0] < 1:
            raise ValueError("halving.at lists epochs from 1 on, each later than the one before")
        return self


class RayPlace(Strict):
    """Where runs go on Ray."""

    address: str | None = None
    """Of the cluster (``HOST:PORT`` or ``auto``); none starts Ray on this machine."""
    resources: dict[str, float] = Field(default_factory=dict)
    """What a run asks for besides its cards, as the nodes were started with: ``{rtx3090: 1}``."""
    card: str | None = None
    """Card of the nodes, for estimates."""
    shared_folder: bool | None = None
    """Whether the nodes see the project's folder; found out by each run if it is not said."""


class PodsPlace(Strict):
    """Where runs go on rented machines, in SkyPilot's words."""

    accelerator: str = Field(min_length=1)
    """Card, as in the price list: ``RTX 4090``."""
    infra: str | None = None
    """Provider, and region behind a slash: ``runpod``, ``runpod/CA``; none leaves it to SkyPilot."""
    spot: bool = False
    """Whether machines are taken that the provider may take back."""
    idle_minutes: int = Field(default=5, ge=1, le=60)
    """A machine without work ends itself after this."""
    startup_minutes: float = Field(default=20.0, gt=0)
    """Renting, installing and fetching the model; part of each machine's deadline, and of what it may cost."""
    disk_gb: int = Field(default=50, ge=20)
    """Disk of the machine."""
    image: str | None = None
    """Container image; none is SkyPilot's."""
    bucket: str | None = None
    """Where runs keep their checkpoints and results (``s3://NAME``); without it they come back by rsync and a lost
    machine loses what was not fetched yet."""
    package: str | None = None
    """What is installed, for pip; this version of allotment if none. A path of a wheel is sent."""


class ExperimentFile(Strict):
    """A file under ``experiments/``."""

    name: Name
    """Of the experiment; the file's own name if it does not say."""
    agent: Name
    """Whose dataset is trained on."""
    base: str | None = None
    """Base model; the project's if none."""
    training: dict[str, Any] = Field(default_factory=dict)
    """Settings of all runs, over those of ``allotment.yaml``."""
    vary: dict[str, list[Any] | Range] = Field(default_factory=dict)
    """Setting → its values. Every combination is a run."""
    runs: list[dict[str, Any]] = Field(default_factory=list)
    """Runs listed one by one, besides those of ``vary``."""
    sample: int | None = Field(default=None, ge=1)
    """So many combinations at random instead of all; each with every ``seed``."""
    sample_seed: int = 0
    """Of that choice."""
    decide: Decider = "recall"
    """What runs are compared by. ``recall``: share of held-out questions answered right, closed-book."""
    questions: int = Field(default=200, ge=0, le=10_000)
    """Most held-out questions that are asked of each run, closed-book; 0 asks none."""
    limits: ExperimentLimits = ExperimentLimits()
    """What it may take."""
    halving: Halving | None = None
    """Early end of hopeless runs."""
    executor: ExecutorName = "local"
    """Where runs go, unless the command says otherwise."""
    price_usd_per_hour: float | None = Field(default=None, ge=0)
    """What one run's card costs an hour; for pods the price list's, else that of ``training`` if it is there."""
    ray: RayPlace = RayPlace()
    """For ``executor: ray``."""
    pods: PodsPlace | None = None
    """For ``executor: pods``."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if not self.vary and not self.runs:
            raise ValueError("nothing varies: write `vary` or `runs`")
        if self.sample is not None and not self.vary:
            raise ValueError("`sample` takes from `vary`, which is empty")
        empty = [name for name, values in self.vary.items() if isinstance(values, list) and not values]
        if empty:
            raise ValueError(f"vary.{empty[0]} has no value")
        if self.halving and self.decide in ("minutes", "usd"):
            raise ValueError(f"halving needs a quality to decide by, not {self.decide}")
        return self


def load_file(path: Path) -> ExperimentFile:
    """Read and check an experiment's file.

    Raises:
        ProjectError: it is not there, is not YAML, or an entry is wrong; each with its place.
    """
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506 - a SafeLoader
    except FileNotFoundError:
        raise ProjectError("there is no such file.", element=str(path), remedy="Name an experiment's file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ProjectError(f"cannot be read ({error}).", element=str(path), remedy="Save it as UTF-8 text.") from error
    except yaml.YAMLError as error:
        raise ProjectError(f"is not valid YAML: {error}.", element=str(path), remedy="Mend the line named.") from error
    if not isinstance(raw, dict):
        raise ProjectError("is empty or not a mapping.", element=str(path), remedy="See docs/experiments.md.")
    try:
        found = ExperimentFile.model_validate({"name": _name_of(path), **raw})
    except ValidationError as error:
        told = "; ".join(_fault(item) for item in error.errors())
        raise ProjectError(f"{told}.", element=str(path), remedy="Mend the entries named.") from error
    check_settings(path, "training", found.training, varies=False)
    check_settings(path, "vary", found.vary, varies=True)
    for number, run in enumerate(found.runs):
        check_settings(path, f"runs[{number}]", run, varies=True)
    return found


def _name_of(path: Path) -> str:
    name = path.stem.lower().replace(" ", "-").replace(".", "-")
    try:
        return check_name(name)
    except ValueError:
        raise ProjectError(
            f"{path.stem!r} cannot be an experiment's name.", element=str(path), remedy="Write `name:` in the file."
        ) from None


def _fault(item: Any) -> str:
    place = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{place}: there is no such entry{suggested(str(item['loc'][-1]), ExperimentFile.model_fields)}"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
