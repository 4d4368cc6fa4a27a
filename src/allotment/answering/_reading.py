"""A whole document, for a person whose role may read it: decided anew by today's labels, and on record."""

from __future__ import annotations

from dataclasses import dataclass

from allotment.access import DocumentFacts, Grant, Policy, Principal, Readers, Request, require_grant
from allotment.audit import AuditLog, authorize
from allotment.documents import DocumentRecord, load_documents, load_sections, readers_now
from allotment.errors import AllotmentError
from allotment.project import Project
from allotment.workspace import Workspace

_ASKED = "to read this document"


@dataclass(frozen=True)
class Passage:
    """One section of a document."""

    section_id: str
    heading_path: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class DocumentText:
    """A document as it was ingested."""

    path: str
    passages: tuple[Passage, ...]
    record: int
    """Number of the decision's audit record."""


def read_document(
    project: Project,
    workspace: Workspace,
    audit: AuditLog,
    policy: Policy,
    principal: Principal,
    agent: str,
    document: str,
) -> DocumentText:
    """Decide, record, and read.

    Args:
        project: says which documents the agent learns, and who may read them.
        workspace: holds the sections.
        audit: takes the decision.
        policy: decides.
        principal: who asks.
        agent: one of his, which learns the document.
        document: its path in the project's folder.

    Raises:
        RecordedDenial: an ``AccessDenied``; the answer is the same for what is there and what is not.
        AccessDenied: the decision could not be recorded.
        IntegrityError: the sections are not what was written.
    """
    facts = DocumentFacts(document, _readers(project, workspace, agent, document))
    grant = authorize(audit, policy, principal, Request(agent, document=facts), question=_ASKED)
    return _read(workspace, grant, agent, document)


def _read(workspace: Workspace, grant: Grant, agent: str, document: str) -> DocumentText:
    require_grant(grant, agent=agent, document=document)
    sections = load_sections(workspace, document)
    role = grant.decision.principal.role
    passages = tuple(Passage(one.id, one.heading_path, one.text) for one in sections if role in one.readers)
    return DocumentText(document, passages, grant.record)


def _readers(project: Project, workspace: Workspace, agent: str, document: str) -> Readers:
    """Who may read it now; nobody if it is unknown, is not the agent's, or its labels cannot be told."""
    try:
        found: list[DocumentRecord] = [one for one in load_documents(workspace) if one.path == document]
    except AllotmentError:
        return frozenset()
    declared = project.agents.get(agent)
    if declared is None or not any(one.document_set in declared.documents and one.state == "done" for one in found):
        return frozenset()
    return readers_now(project, found).get(document, frozenset())
