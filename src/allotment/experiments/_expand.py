"""From what varies to runs: a grid, a sample, runs listed one by one. Counted before any is made."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from allotment.errors import ProjectError
from allotment.experiments._file import ExperimentFile, Range
from allotment.experiments._names import BASE
from allotment.project import Project, TrainingConfig

_SEED = "seed"
_WHOLE = {name for name, field in TrainingConfig.model_fields.items() if field.annotation in (int, int | None)}


@dataclass(frozen=True)
class Combination:
    """One run's settings."""

    base: str
    training: TrainingConfig
    varied: dict[str, Any]
    """Those that differ between runs, with the values that count; a dictionary for a mix."""


def count_runs(file: ExperimentFile) -> int:
    """How many runs a file makes, listed twice or not, without making one.

    Raises:
        ProjectError: a range in a grid does not say how many values it stands for.
    """
    grid = math.prod(_size(name, values) for name, values in file.vary.items() if not _is_sampled(file, name))
    return (grid * (file.sample or 1) if file.vary else 0) + len(file.runs)


def expand(project: Project, file: ExperimentFile, path: Path) -> list[Combination]:
    """Every run of a file once, in order; one that is there twice is one.

    Raises:
        ProjectError: there are too many, or a combination of settings is not one.
    """
    count = count_runs(file)
    if count > file.limits.max_runs:
        raise ProjectError(
            f"this makes {count:,} runs; at most {file.limits.max_runs:,} are allowed.",
            element=str(path),
            remedy="Vary less, take some at random with `sample: N`, or raise limits.max_runs.",
        )
    chosen = [*_varied(file), *file.runs]
    names = list(dict.fromkeys(name for one in chosen for name in one))
    found: dict[str, Combination] = {}
    for number, one in enumerate(chosen, 1):
        run = _combined(project, file, one, names, f"{path}, run {number} ({described(one)})")
        found.setdefault(f"{run.base} {run.training!r}", run)
    return list(found.values())


def described(varied: Mapping[str, Any]) -> str:
    """Settings in one line: ``rank 8, seed 3``."""
    return ", ".join(f"{name} {value_text(value)}" for name, value in varied.items())


def value_text(value: Any) -> str:
    """A setting's value as it is read: 0.001, bf16, text 0.5 + general 0."""
    if isinstance(value, Mapping):
        return " + ".join(f"{key} {value_text(item)}" for key, item in value.items()) or "all"
    if isinstance(value, list | tuple):
        return " + ".join(value_text(item) for item in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _is_sampled(file: ExperimentFile, name: str) -> bool:
    """Seeds are not drawn: what is drawn is run with each, so that settings can be told from luck."""
    return file.sample is not None and name != _SEED


def _size(name: str, values: list[Any] | Range) -> int:
    if isinstance(values, list):
        return len(values)
    if values.steps is None:
        raise ProjectError(
            "a range in a grid needs `steps`.", element=f"vary.{name}", remedy="Write how many values, or `sample: N`."
        )
    return values.steps


def _varied(file: ExperimentFile) -> Iterator[dict[str, Any]]:
    names = [name for name in file.vary if not _is_sampled(file, name)]
    grid = [dict(zip(names, values, strict=True)) for values in product(*(_values(file, name) for name in names))]
    if not file.vary:
        return
    for drawn in _drawn(file):
        for one in grid:
            yield {name: {**drawn, **one}[name] for name in file.vary}


def _drawn(file: ExperimentFile) -> Iterator[dict[str, Any]]:
    if file.sample is None:
        yield {}
        return
    chance = random.Random(file.sample_seed)  # noqa: S311 - a choice of settings is no secret
    for _ in range(file.sample):
        yield {name: _draw(chance, name, values) for name, values in file.vary.items() if name != _SEED}


def _draw(chance: random.Random, name: str, values: list[Any] | Range) -> Any:
    if isinstance(values, list):
        return chance.choice(values)
    return _between(values, chance.random(), whole=name in _WHOLE)


def _values(file: ExperimentFile, name: str) -> list[Any]:
    values = file.vary[name]
    if isinstance(values, list):
        return values
    steps = _size(name, values)
    return [_between(values, place / (steps - 1), whole=name in _WHOLE) for place in range(steps)]


def _between(values: Range, place: float, *, whole: bool) -> float | int:
    if values.log:
        found = math.exp(math.log(values.low) + place * (math.log(values.high) - math.log(values.low)))
    else:
        found = values.low + place * (values.high - values.low)
    found = min(values.high, max(values.low, found))
    return round(found) if whole else float(f"{found:.6g}")


def _combined(
    project: Project, file: ExperimentFile, one: Mapping[str, Any], names: list[str], element: str
) -> Combination:
    settings = {name: value for name, value in one.items() if name != BASE}
    try:
        training = TrainingConfig.model_validate(_whole(project, file, settings))
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, item['loc']))} {item['msg']}".strip() for item in error.errors())
        raise ProjectError(
            f"{told.replace('Value error, ', '')}.", element=element, remedy="Mend that in the file."
        ) from error
    base = _base_of(project, str(one.get(BASE) or file.base or project.models.base))
    values = {**{name: getattr(training, name) for name in names if name != BASE}, BASE: base}
    return Combination(base, training, {name: _plain(values[name]) for name in names})


def _whole(project: Project, file: ExperimentFile, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of ``allotment.yaml``, then the file, then the run; layers that are named for ``partial`` go with it alone."""
    found = {**project.training.model_dump(), **file.training, **settings}
    if found["method"] != "partial" and "unfrozen" not in settings:
        found["unfrozen"] = ()
    return found


def _base_of(project: Project, name: str) -> str:
    """A model's name, or its path relative to ``allotment.yaml``."""
    return str(project.root / Path(name).expanduser()) if name.endswith(".gguf") else name


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
