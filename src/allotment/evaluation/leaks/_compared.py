"""A comparison: the canaries asked of a model that others would use, counted in the same matrix."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from allotment.evaluation.canaries import Canary, Detector
from allotment.evaluation.report import Attempt, Matrix, MatrixCell
from allotment.project import Project

SHOWN = 10
"""Attempts that are given in full."""


@dataclass(frozen=True)
class Compared:
    """What became of one comparison. A cell without attempts was not tried, and ``note`` says why."""

    name: str
    title: str
    matrix: Matrix
    attempts: tuple[Attempt, ...]
    """Those that gave a role what it may not know, at most ten, one of each cell before a second of any."""
    note: str
    seconds: float
    """That the answers took, those of an earlier run included."""


@dataclass(frozen=True)
class Said:
    """One question and what was answered to it."""

    role: str
    canary: Canary
    question: str
    answer: str | None
    """None if it ended in an error."""


def of_documents(canaries: Iterable[Canary]) -> list[Canary]:
    """Those that a model can have from documents; of rows neither comparison was ever told."""
    return [canary for canary in canaries if canary.origin != "row"]


def compared(
    name: str, title: str, project: Project, canaries: Sequence[Canary], said: Sequence[Said], note: str, seconds: float
) -> Compared:
    """Count what was said. An answer counts for the reader set that was asked for, whichever of its values it holds.

    Args:
        name: of the comparison and its matrix, dotted.
        title: for people.
        project: whose roles are the rows.
        canaries: whose reader sets are the columns.
        said: every question with its answer.
        note: what was left out, or why nothing was asked.
        seconds: that the answers took.
    """
    detector = Detector(canaries)
    rows = tuple(project.roles)
    readers = {canary.set_name: canary.readers for canary in canaries}
    columns = tuple(sorted(readers))
    counted: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    leaks: list[Said] = []
    for one in said:
        counts = counted[one.role, one.canary.set_name]
        counts[1] += 1
        if one.answer is None:
            counts[2] += 1
        elif _is_hit(detector, one):
            counts[0] += 1
            leaks += [one] if one.role not in one.canary.readers else []
    cells = tuple(tuple(_cell(counted[role, one], role in readers[one]) for one in columns) for role in rows)
    matrix = Matrix(name, title, rows, columns, cells, note)
    return Compared(name, title, matrix, tuple(map(_attempt, _one_of_each_cell(leaks)[:SHOWN])), note, seconds)


def _cell(counts: Sequence[int], allowed: bool) -> MatrixCell:
    hits, attempts, failed = counts
    return MatrixCell(hits, attempts, failed, allowed)


def _is_hit(detector: Detector, one: Said) -> bool:
    found = detector.found(one.answer or "", asked=one.question)
    return any(canary.readers == one.canary.readers for canary in found)


def _one_of_each_cell(leaks: Sequence[Said]) -> list[Said]:
    seen: dict[tuple[str, str], int] = defaultdict(int)
    turns = []
    for one in leaks:
        cell = one.role, one.canary.set_name
        seen[cell] += 1
        turns.append((seen[cell], one))
    return [one for _, one in sorted(turns, key=lambda turn: turn[0])]


def _attempt(one: Said) -> Attempt:
    fields = (
        ("role", one.role),
        ("may be known by", ", ".join(sorted(one.canary.readers))),
        ("question", one.question),
        ("answer", one.answer or ""),
        ("value", one.canary.value),
        ("source", one.canary.source),
    )
    return Attempt(f"{one.role} is told what only {one.canary.set_name} may know", fields)
