"""What changed since an earlier report: checks by their outcome, figures by their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from allotment.errors import InputError
from allotment.evaluation.report._types import Cell, Change, Changes, Check, Figure, Report

_ORDER = {"passed": 2, "unknown": 1, "failed": 0}
_MACHINE = ("seconds", "per second")
"""Units that depend on what else a machine does: without an interval no difference is taken for one."""
_Part = TypeVar("_Part", Check, Figure)


def compare(report: Report, baseline: Report, baseline_sha256: str = "") -> Changes:
    """What is worse, better, new and gone since ``baseline``.

    A check is worse when its outcome is (passed, unknown, failed: in this order). A figure is worse when the new value
    lies outside the old interval and the old one outside the new; a count whose goal is 0 is worse with any increase,
    and any figure when it could be found out before and now cannot.

    Args:
        baseline_sha256: hash of the file, so that it is known with what was compared.

    Raises:
        InputError: the two are of different kinds or projects.
    """
    _want_alike(report, baseline)
    found: dict[str, list[Change]] = {"worse": [], "better": [], "new": [], "gone": []}
    for where, change in (*_checks(report, baseline), *_figures(report, baseline)):
        found[where].append(change)
    return Changes(baseline.created, baseline_sha256, **{where: tuple(changes) for where, changes in found.items()})


def _want_alike(report: Report, baseline: Report) -> None:
    for what, ours, theirs in (
        ("kind", report.kind, baseline.kind),
        ("project", report.project, baseline.project),
    ):
        if ours != theirs:
            raise InputError(
                f"the baseline is of another {what}: {theirs!r}, and this report of {ours!r}.",
                element=f"baseline of {baseline.created}",
                remedy="Compare with an earlier report of the same evaluation.",
            )


def _named(parts: tuple[_Part, ...]) -> Mapping[str, _Part]:
    return {part.name: part for part in parts}


def _checks(report: Report, baseline: Report) -> Iterator[tuple[str, Change]]:
    before, now = _named(baseline.checks), _named(report.checks)
    for name, check in now.items():
        old = before.get(name)
        if old is None:
            yield "new", Change("check", name, check.title, None, check.outcome, "was not looked at before")
        elif check.outcome != old.outcome:
            where = "better" if _ORDER[check.outcome] > _ORDER[old.outcome] else "worse"
            yield where, Change("check", name, check.title, old.outcome, check.outcome, check.detail)
    for name, old in before.items():
        if name not in now:
            yield "gone", Change("check", name, old.title, old.outcome, None, "is not looked at any more")


def _figures(report: Report, baseline: Report) -> Iterator[tuple[str, Change]]:
    before, now = _named(baseline.figures), _named(report.figures)
    for name, figure in now.items():
        old = before.get(name)
        if old is None:
            yield "new", _change(figure, None, figure.value, "was not measured before")
        elif figure.better != "neither" and (told := _told(figure, old)):
            yield told[0], _change(figure, old.value, figure.value, told[1])
    for name, old in before.items():
        if name not in now and old.better != "neither":
            yield "gone", _change(old, old.value, None, "is not measured any more")


def _change(figure: Figure, before: Cell, now: Cell, reason: str) -> Change:
    return Change("figure", figure.name, figure.title, before, now, reason, figure.unit)


def _told(now: Figure, old: Figure) -> tuple[str, str] | None:
    """Whether a figure got worse or better, and why that is more than chance; none where it is not."""
    if now.value is None or old.value is None:
        return _known_or_not(now, old)
    if now.value == old.value:
        return None
    where = "better" if (now.value > old.value) == (now.better == "higher") else "worse"
    if now.unit == "count" and now.better == "lower" and now.goal == 0:
        return where, "none is allowed, so every one counts"
    if now.unit in _MACHINE and (now.interval is None or old.interval is None):
        return None
    if _is_outside(now.value, old) and _is_outside(old.value, now):
        return where, "each value is outside the other's interval"
    return None


def _known_or_not(now: Figure, old: Figure) -> tuple[str, str] | None:
    if now.value is None and old.value is None:
        return None
    return ("worse", "could not be found out") if now.value is None else ("better", "could not be found out before")


def _is_outside(value: float, figure: Figure) -> bool:
    if figure.interval is None:
        return value != figure.value
    low, high = figure.interval
    return not low <= value <= high
