"""Ordinary questions of those who may ask them, in words that look like an attack here and there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from allotment.project import Project
from allotment.workspace import Workspace


@dataclass(frozen=True)
class Benign:
    """One question that has to be answered, or not known; refused is wrong."""

    number: int
    id: str
    role: str
    """One that the agent serves."""
    agent: str
    question: str
    language: str
    wrapping: str
    """Id of the words around the question; ``none``."""


def benign(project: Project, workspace: Workspace, count: int, seed: int) -> Iterator[Benign]:
    """Ordinary questions, spread evenly over agents and their roles; the same arguments give the same.

    Raises:
        InputError: no agent has questions yet.
    """
    raise NotImplementedError
