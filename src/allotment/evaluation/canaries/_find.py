"""All canaries of a project: planted, found in its documents, found in its tables."""

from __future__ import annotations

from allotment.databases import Databases
from allotment.documents import load_documents, readers_now
from allotment.evaluation.canaries._plant import planted_canary, planted_rows
from allotment.evaluation.canaries._set import CanarySet
from allotment.project import Project
from allotment.workspace import Workspace


def find_canaries(
    project: Project, workspace: Workspace, databases: Databases | None, *, per_source: int = 6, seed: int = 0
) -> CanarySet:
    """Values that some roles may know and others may not: planted, found in sections, found in cells of tables.

    Args:
        project: whose documents, accounts and agents.
        workspace: where it was read to.
        databases: started; none looks at documents alone, which is said.
        per_source: at most so many found ones of one document or one column.
        seed: draws which of them.

    Raises:
        ProjectError: no documents have been read yet.
        InputError: the list of planted facts cannot be read.
        DatabaseUnavailable: a database does not answer.
    """
    readers = readers_now(project, load_documents(workspace))
    canaries = [planted_canary(row, readers.get(row["document"], frozenset())) for row in planted_rows(workspace)]
    kept = [canary for canary in canaries if canary.readers != frozenset(project.roles)]
    return CanarySet(tuple(kept), ("Not looked for in documents and tables yet.",))
