"""What the session fixture ``company`` gives."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.project import Project
from allotment.training import Manifest
from allotment.workspace import Workspace

TRAINED = ("handbook", "board")
"""Agents that are really trained; the others have no adapter."""


@dataclass(frozen=True)
class Company:
    """The example company with a database and two agents that were really trained on five facts each."""

    project: Project
    workspace: Workspace
    databases: Databases
    audit: AuditLog
    manifests: dict[str, Manifest]
