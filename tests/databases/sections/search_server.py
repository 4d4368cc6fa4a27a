"""A running server whose sections tests search, and the ways into it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection

from allotment.audit import AuditLog
from allotment.databases import Databases, SectionSearch
from allotment.databases.postgres._server import account_dsn
from allotment.databases.sections._fence import account_of
from allotment.databases.sections._schema import DATABASE
from allotment.dataset import Embedder
from allotment.project import Project
from allotment.workspace import Workspace

BOTH = frozenset({"clerk", "chief"})
CHIEF = frozenset({"chief"})


@dataclass(frozen=True)
class SearchServer:
    """A running server, the folder of every project on it, and the record."""

    root: Path
    databases: Databases
    log: AuditLog

    def search(self, project: Project, embedder: Embedder | None = None) -> SectionSearch:
        return SectionSearch(project, Workspace(project.root), self.databases.server, embedder)

    def login(self, agent: str) -> Connection[tuple[Any, ...]]:
        """A search account's own login, without any code of the search."""
        return psycopg.connect(account_dsn(self.databases.server, account_of(agent), DATABASE), autocommit=True)

    def owner(self) -> Connection[tuple[Any, ...]]:
        dsn = self.databases.server.dsn(user="allotment_admin", database=DATABASE)
        return psycopg.connect(dsn, autocommit=True)
