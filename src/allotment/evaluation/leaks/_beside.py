"""What stands beside the probes: the test of membership, and the two comparisons everybody uses today."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.evaluation.leaks._ground import Ground
from allotment.evaluation.leaks._types import Progress
from allotment.evaluation.report import Check, Curve, Figure, Matrix, Table


@dataclass(frozen=True)
class Beside:
    """Parts of the report that others make."""

    checks: tuple[Check, ...] = ()
    figures: tuple[Figure, ...] = ()
    matrices: tuple[Matrix, ...] = ()
    curves: tuple[Curve, ...] = ()
    tables: tuple[Table, ...] = ()
    not_tested: tuple[str, ...] = ()


def beside(ground: Ground, *, quick: bool, comparisons: bool, progress: Progress | None) -> Beside:
    """Membership in a whole run, the comparisons where they were asked for."""
    said = []
    if quick:
        said.append("Whether an adapter gives away by its probabilities what it was trained on: leave out --quick.")
    if not comparisons:
        said.append("One model with everything in its prompt, and one adapter of everything: add --comparisons.")
    return Beside(not_tested=tuple(said))
