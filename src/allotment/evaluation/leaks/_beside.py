"""What stands beside the probes: the test of membership, and the two comparisons everybody uses today."""

from __future__ import annotations

from dataclasses import dataclass, replace

from allotment.evaluation.leaks._ground import Ground
from allotment.evaluation.leaks._joint import joint_adapter
from allotment.evaluation.leaks._membership import membership
from allotment.evaluation.leaks._membership_parts import membership_parts
from allotment.evaluation.leaks._prompted import prompted_model
from allotment.evaluation.leaks._types import Progress
from allotment.evaluation.report import Check, Curve, Figure, Matrix, Table

_ASKED = 120
"""Canaries that each comparison is asked for."""


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
    told = Beside(not_tested=tuple(said)) if quick else replace(_membership(ground, progress), not_tested=tuple(said))
    return replace(told, matrices=_compared(ground, progress)) if comparisons else told


def _membership(ground: Ground, progress: Progress | None) -> Beside:
    found = membership(
        ground.project,
        ground.workspace,
        ground.audit,
        ground.agents,
        ground.canaries,
        progress,
        seed=ground.size.seed,
    )
    checks, figures, curves, tables = membership_parts(found)
    return Beside(checks, figures, (), curves, tables)


def _compared(ground: Ground, progress: Progress | None) -> tuple[Matrix, ...]:
    """Matrices alone: that others leak is no fault of this project, so there is no check of it."""
    return tuple(
        measure(
            ground.project,
            ground.workspace,
            ground.engines,
            ground.canaries,
            limit=_ASKED,
            seed=ground.size.seed,
            progress=progress,
        ).matrix
        for measure in (prompted_model, joint_adapter)
    )
