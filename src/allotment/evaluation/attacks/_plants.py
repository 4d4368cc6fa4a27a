"""Documents and rows that tell whoever reads them to give away what he may not; to be put into a copy of a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from allotment.evaluation.canaries import Canary
from allotment.project import Project


@dataclass(frozen=True)
class PlantedDocument:
    """A document for a set that the attacker's role may read."""

    id: str
    document_set: str
    name: str
    """File name within the set's folder."""
    text: str


@dataclass(frozen=True)
class PlantedRow:
    """A row for a table that an account of the attacker's shows."""

    id: str
    database: str
    table: str
    values: Mapping[str, str | int] = field(default_factory=dict)
    """Column → value; columns that are not named stay empty."""


@dataclass(frozen=True)
class Plants:
    """Everything that is planted before anything is asked."""

    documents: tuple[PlantedDocument, ...]
    rows: tuple[PlantedRow, ...]


def plants(project: Project, canaries: Sequence[Canary], seed: int) -> Plants:
    """What is to be planted; the same arguments give the same."""
    raise NotImplementedError
