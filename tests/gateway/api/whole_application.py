"""What the fixture ``whole`` gives."""

from __future__ import annotations

from dataclasses import dataclass

from doors import Doors, StandInModel

from allotment.answering import Chain
from allotment.project import Project
from allotment.workspace import Workspace


@dataclass(frozen=True)
class Whole:
    """The whole application over stand-in models."""

    project: Project
    workspace: Workspace
    chain: Chain
    doors: Doors
    models: list[StandInModel]
