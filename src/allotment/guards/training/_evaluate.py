"""Figures of a chain of checks on labelled texts: never one number, a row for each set and label, a curve a check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from allotment.guards._finding import Finding, refused
from allotment.guards.training._corpus import Item
from allotment.guards.training._figures import Curve, Point, Share, curve


@dataclass(frozen=True)
class Judged:
    """One labelled text, and what each check said of it."""

    item: Item
    findings: Sequence[Finding]


@dataclass(frozen=True)
class SetFigures:
    """What became of the texts of one label in one set."""

    source: str
    label: str
    texts: int
    refused: int
    by_check: dict[str, int]
    """Check → how many texts it refused; a text can count for several."""

    @property
    def share(self) -> float:
        """Refused of all: recall where the label is an attack, false positives where it is ``benign``."""
        return self.refused / self.texts

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share lies with 95 % certainty, for texts like these (Wilson)."""
        return Share(self.refused, self.texts).interval


def judge(items: Iterable[Item], check: Callable[[str], list[Finding]]) -> list[Judged]:
    """Every text with its findings, in order."""
    return [Judged(item, check(item.text)) for item in items]


def evaluate(items: Iterable[Item], check: Callable[[str], list[Finding]]) -> list[SetFigures]:
    """One row for each set and label, in the order they appear."""
    return by_set(judge(items, check))


def by_set(judged: Iterable[Judged]) -> list[SetFigures]:
    """One row for each set and label, in the order they appear."""
    groups: dict[tuple[str, str], list[Sequence[Finding]]] = {}
    for one in judged:
        groups.setdefault((one.item.source, one.item.label), []).append(one.findings)
    return [_figures(source, label, every) for (source, label), every in groups.items()]


def _figures(source: str, label: str, every: Sequence[Sequence[Finding]]) -> SetFigures:
    fired = Counter(name for findings in every for name in _fired(findings))
    count = sum(refused(list(findings)) for findings in every)
    return SetFigures(source, label, len(every), count, dict(sorted(fired.items(), key=lambda one: (-one[1], one[0]))))


def _fired(findings: Iterable[Finding]) -> set[str]:
    return {finding.check for finding in findings if finding.outcome != "allow"}


def curves_by_check(judged: Sequence[Judged]) -> dict[str, dict[str, Curve]]:
    """Check → set of attacks → the curve of its scores against all harmless texts.

    A check that says nothing of any text has none, and nothing has one where attacks or harmless texts are missing.
    """
    harmless = [one.findings for one in judged if one.item.label == "benign"]
    attacks: dict[str, list[Sequence[Finding]]] = {}
    for one in judged:
        if one.item.label != "benign":
            attacks.setdefault(f"{one.item.source}, {one.item.label}", []).append(one.findings)
    names = dict.fromkeys(finding.check for one in judged for finding in one.findings)
    drawn = {name: curves_of(name, attacks, harmless) for name in names} if harmless else {}
    return {name: curves for name, curves in drawn.items() if curves}


def curves_of(
    check: str, attacks: Mapping[str, Sequence[Sequence[Finding]]], harmless: Sequence[Sequence[Finding]]
) -> dict[str, Curve]:
    """Set of attacks → the check's curve against these harmless texts; none where every score is 0."""
    low = [_of(check, findings) for findings in harmless]
    found = {name: [_of(check, findings) for findings in every] for name, every in attacks.items()}
    scores = [one.score for every in (low, *found.values()) for one in every]
    if not any(scores):
        return {}
    return {name: _curve(high, low) for name, high in found.items()}


def _of(check: str, findings: Sequence[Finding]) -> Finding:
    """What the check said; one that was not asked has allowed."""
    return next((finding for finding in findings if finding.check == check), Finding(check, "allow", 0.0, ""))


def _curve(high: Sequence[Finding], low: Sequence[Finding]) -> Curve:
    false, found = (sum(one.outcome != "allow" for one in every) / len(every) for every in (low, high))
    refusing = [one.score for one in (*high, *low) if one.outcome != "allow"]
    at = Point(min(refusing, default=1.0), false, found)
    return curve([one.score for one in high], [one.score for one in low], at)
