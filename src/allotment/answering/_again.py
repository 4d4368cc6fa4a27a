"""Whether somebody may read an old answer again: decided anew, by what is declared and labelled today."""

from __future__ import annotations

from allotment.access import Policy, Principal, Request, decide
from allotment.documents import load_documents, readers_now
from allotment.errors import AllotmentError
from allotment.project import Project
from allotment.workspace import Workspace


def may_read_again(
    project: Project, workspace: Workspace, principal: Principal, agent: str, documents: tuple[str, ...]
) -> bool:
    """Whether ``principal`` may reach the agent and read the documents an answer came from; unknown ones nobody may.

    Nothing is reached by showing again what was kept, so there is no grant and no record.
    """
    decision = decide(Policy.of(project), principal, Request(agent, search=True))
    if decision.outcome != "allow":
        return False
    if not documents:
        return True
    try:
        records = [record for record in load_documents(workspace) if record.path in documents]
    except AllotmentError:
        return False
    readers = readers_now(project, records)
    return all(principal.role in readers.get(document, frozenset()) for document in documents)
