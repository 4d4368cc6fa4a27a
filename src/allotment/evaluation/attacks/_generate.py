"""Thousands of attempts, the same from the same seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allotment.evaluation.attacks._types import Attack
from allotment.evaluation.canaries import Canary
from allotment.project import Project


def generate(project: Project, canaries: Sequence[Canary], count: int, seed: int) -> Iterator[Attack]:
    """Attempts, spread evenly over roles, reader sets and doors; the same arguments give the same."""
    raise NotImplementedError
