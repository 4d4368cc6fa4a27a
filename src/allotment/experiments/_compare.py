"""What an experiment teaches: spread over seeds, settings that differ and those that do not, and what to keep.

Two values of a setting are compared over pairs of runs that differ in this setting alone, seed included, by an exact
permutation test of their differences' signs (Fisher 1935); p values of all comparisons are adjusted together by Holm's
method (1979). What to keep follows the rule of one standard error (Breiman et al. 1984): of settings that are not worse
than the best by more than its noise, the cheapest.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Literal

import numpy as np
from scipy import stats

from allotment.experiments._expand import described
from allotment.experiments._rows import Row

Verdict = Literal["differs", "no difference shown", "too few pairs"]
_SEED = "seed"
_ALPHA = 0.05
_FEWEST = 6
"""Pairs below which no outcome of the test could be significant: 2 / 2**5 is above 0.05."""
_EXACT = 14
"""Pairs up to which every pattern of signs is tried."""
_DRAWS = 20_000


@dataclass(frozen=True)
class Group:
    """Runs with the same settings but the seed."""

    settings: dict[str, Any]
    runs: tuple[int, ...]
    """Numbers of those that ended well."""
    crashed: int
    mean: float | None
    """Of what decides."""
    deviation: float | None
    """Standard deviation over seeds; none for fewer than two."""
    low: float | None
    high: float | None
    minutes: float | None
    """Mean."""
    usd: float | None
    """Mean, of all attempts."""
    peak_gib: float | None
    """Highest."""


@dataclass(frozen=True)
class Effect:
    """Two values of one setting, everything else equal."""

    setting: str
    one: Any
    other: Any
    pairs: int
    difference: float | None
    """Of what decides, ``other`` minus ``one``, mean over the pairs."""
    low: float | None
    """95 % interval of the mean, by Student's t."""
    high: float | None
    p: float | None
    """Adjusted for the number of comparisons."""
    verdict: Verdict


@dataclass(frozen=True)
class Choice:
    """What to keep."""

    run: str
    """``EXPERIMENT/RUN``."""
    number: int
    value: float
    reason: str


def groups_of(rows: Sequence[Row], decide: str) -> tuple[Group, ...]:
    """Runs by their settings without the seed, in the order of the file."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(_key(_without(row.settings, _SEED)), []).append(row)
    return tuple(_group(members, decide) for members in found.values())


def _group(members: Sequence[Row], decide: str) -> Group:
    done = [row for row in members if row.is_done]
    values = [value for row in done if (value := row.value(decide)) is not None]
    return Group(
        settings=_without(members[0].settings, _SEED),
        runs=tuple(row.number for row in done),
        crashed=sum(row.state not in ("done", "waiting", "running", "paused", "stopped", "refused") for row in members),
        mean=_mean(values),
        deviation=statistics.stdev(values) if len(values) > 1 else None,
        low=min(values, default=None),
        high=max(values, default=None),
        minutes=_mean(row.minutes for row in done),
        usd=_mean(row.usd for row in done),
        peak_gib=max((row.peak_gib for row in done if row.peak_gib is not None), default=None),
    )


def effects_of(rows: Sequence[Row], decide: str) -> tuple[Effect, ...]:
    """Every two values of every setting that varies."""
    done = [row for row in rows if row.is_done and row.value(decide) is not None]
    found = [
        _effect(setting, one, other, done, decide)
        for setting in _settings(rows)
        for one, other in combinations(_values(rows, setting), 2)
    ]
    return tuple(_adjusted(found))


def _settings(rows: Sequence[Row]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name in row.settings)
    return [name for name in names if name != _SEED and len(_values(rows, name)) > 1]


def _values(rows: Sequence[Row], setting: str) -> list[Any]:
    found = {_key(row.settings.get(setting)): row.settings.get(setting) for row in rows}
    values = list(found.values())
    is_numbers = all(isinstance(value, int | float) for value in values)
    return sorted(values) if is_numbers else values


def _effect(setting: str, one: Any, other: Any, done: Sequence[Row], decide: str) -> Effect:
    sides: dict[str, dict[str, float]] = {_key(one): {}, _key(other): {}}
    for row in done:
        side, value = sides.get(_key(row.settings.get(setting))), row.value(decide)
        if side is not None and value is not None:
            side[_key(_without(row.settings, setting))] = value
    first, second = sides.values()
    differences = [second[key] - first[key] for key in first if key in second]
    if len(differences) < _FEWEST:
        mean = _mean(differences)
        return Effect(setting, one, other, len(differences), mean, None, None, None, "too few pairs")
    mean, half = statistics.fmean(differences), _half_width(differences)
    p = sign_flip_p(differences)
    return Effect(setting, one, other, len(differences), mean, mean - half, mean + half, p, "no difference shown")


def _half_width(values: Sequence[float]) -> float:
    return float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p value of "the signs are chance": the share of sign patterns with a sum as far from zero.

    Every pattern of up to 14 differences is tried; of more, 20,000 drawn with a fixed seed.
    """
    values = np.asarray(differences, dtype=float)
    count = len(values)
    if count <= _EXACT:
        signs = 1 - 2 * ((np.arange(2**count)[:, None] >> np.arange(count)) & 1)
    else:
        signs = np.random.default_rng(0).choice((-1, 1), size=(_DRAWS, count))
    slack = 1e-12 * float(np.abs(values).sum() or 1.0)
    as_far = np.abs(signs @ values) >= abs(values.sum()) - slack
    extra = 0 if count <= _EXACT else 1  # the pattern that was seen
    return float((as_far.sum() + extra) / (len(signs) + extra))


def _adjusted(effects: Sequence[Effect]) -> list[Effect]:
    """Holm's step-down: the smallest p times the number of tests, the next times one fewer, never falling."""
    order = sorted((e.p, place) for place, e in enumerate(effects) if e.p is not None)
    found, highest = list(effects), 0.0
    for rank, (p, place) in enumerate(order):
        highest = max(highest, min(1.0, p * (len(order) - rank)))
        verdict: Verdict = "differs" if highest < _ALPHA else "no difference shown"
        found[place] = replace(effects[place], p=highest, verdict=verdict)
    return found


def choice_of(rows: Sequence[Row], groups: Sequence[Group], decide: str, *, higher: bool) -> Choice | None:
    """What to keep and why; none where no run ended well."""
    known = [group for group in groups if group.mean is not None]
    if not known:
        return None
    sign = -1 if higher else 1
    best = min(known, key=lambda group: (sign * (group.mean or 0.0), group.runs))
    noise = _noise(best, rows, decide)
    as_good = [group for group in known if sign * ((group.mean or 0.0) - (best.mean or 0.0)) <= noise]
    kept = min(as_good, key=lambda group: (_rounded(_cost(group)), sign * (group.mean or 0.0), group.runs))
    members = [row for row in rows if row.number in kept.runs and row.value(decide) is not None]
    row = min(members, key=lambda row: (sign * (row.value(decide) or 0.0), row.number))
    return Choice(row.id, row.number, row.value(decide) or 0.0, _reason(kept, best, noise, decide))


def _noise(group: Group, rows: Sequence[Row], decide: str) -> float:
    """One standard error of a group's mean: over seeds, or for a single recall that of a share."""
    if group.deviation is not None:
        return group.deviation / math.sqrt(len(group.runs))
    row = next(row for row in rows if row.number in group.runs)
    if decide == "recall" and row.asked and row.recall is not None:
        return math.sqrt(row.recall * (1 - row.recall) / row.asked)
    return 0.0


def _cost(group: Group) -> float:
    known = group.usd if group.usd is not None else group.minutes
    return math.inf if known is None else known


def _reason(kept: Group, best: Group, noise: float, decide: str) -> str:
    name = described(kept.settings) or "the only settings"
    told = f"{name}: {decide.replace('_', ' ')} {_figure(kept)}"
    if kept is best:
        return f"{told}, the best" + (f" of {len(best.runs)} seeds" if len(best.runs) > 1 else "")
    more = _cost(best) / _cost(kept) - 1 if 0 < _cost(kept) < math.inf else 0.0
    return (
        f"{told}. {described(best.settings)} reached {_figure(best)}, no more than its own noise ({noise:.3g}) away,"
        f" and took {more:.0%} more"
    )


def _rounded(cost: float) -> float:
    """To two digits: what a machine's other work does to a run's minutes decides nothing."""
    return float(f"{cost:.2g}")


def _figure(group: Group) -> str:
    spread = f" ± {group.deviation:.3g} over {len(group.runs)} seeds" if group.deviation is not None else ""
    return f"{group.mean:.3g}{spread}"


def crashes_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Values of one setting or two with which every run crashed in the same way, and what else crashed, in words."""
    crashed = [row for row in rows if row.state in _CRASHES]
    told: list[str] = []
    explained: set[int] = set()
    for part in _parts(rows):
        members = [row for row in rows if _has(row, part)]
        states = {row.state for row in members}
        is_news = not {row.number for row in members} <= explained
        if len(members) > 1 and is_news and len(states) == 1 and states <= _CRASHES:
            told.append(f"{described(part)}: all {len(members)} runs ended {min(states)}")
            explained |= {row.number for row in members}
    left = [row for row in crashed if row.number not in explained]
    return (
        *told,
        *(f"run {row.number} ({described(row.settings)}): {row.state}. {row.error}".rstrip(". ") for row in left),
    )


def _parts(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every value of every setting, then every two values of two settings that a crashed run has."""
    names = _settings(rows)
    pairs: dict[str, dict[str, Any]] = {}
    for row in rows:
        for two in combinations(names, 2) if row.state in _CRASHES else ():
            part = {name: row.settings.get(name) for name in two}
            pairs[_key(part)] = part
    return [*({name: value} for name in names for value in _values(rows, name)), *pairs.values()]


def _has(row: Row, part: Mapping[str, Any]) -> bool:
    return all(_key(row.settings.get(name)) == _key(value) for name, value in part.items())


_CRASHES = frozenset(
    {"out-of-memory", "non-finite", "bad-data", "configuration", "time-limit", "infrastructure", "refused"}
)


def _without(settings: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != name}


def _key(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None
