"""Figures of a chain of checks on labelled texts: never one number, a row for each set and label."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from allotment.guards._finding import Finding, refused
from allotment.guards.training._corpus import Item


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


def evaluate(items: Sequence[Item], check: Callable[[str], list[Finding]]) -> list[SetFigures]:
    """One row for each set and label, in the order they appear."""
    groups: dict[tuple[str, str], list[list[Finding]]] = {}
    for item in items:
        groups.setdefault((item.source, item.label), []).append(check(item.text))
    return [_figures(source, label, every) for (source, label), every in groups.items()]


def _figures(source: str, label: str, every: Sequence[list[Finding]]) -> SetFigures:
    fired = Counter(name for findings in every for name in _fired(findings))
    return SetFigures(source, label, len(every), sum(map(refused, every)), dict(fired.most_common()))


def _fired(findings: Iterable[Finding]) -> set[str]:
    return {finding.check for finding in findings if finding.outcome != "allow"}
