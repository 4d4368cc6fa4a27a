"""Projects of a few documents for the search, and grants for it as ``authorize`` gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from allotment.access import Grant, Policy, Principal, Request
from allotment.audit import AuditLog, authorize
from allotment.documents import DocumentRecord, Label, Section
from allotment.documents._store import SectionsWriter, section_rows
from allotment.project import Project, load_project
from allotment.workspace import Workspace


def make_project(
    root: Path,
    sets: Mapping[str, frozenset[str]],
    agents: Mapping[str, frozenset[str]],
    roles: frozenset[str] = frozenset({"clerk", "chief"}),
) -> Project:
    """A project with these document sets (name → readers) and agents (name → roles); no file is read yet."""
    root.mkdir(parents=True, exist_ok=True)
    learnt = {agent: [name for name, readers in sets.items() if served <= readers] for agent, served in agents.items()}
    text = {
        "name": "Library",
        "roles": dict.fromkeys(sorted(roles), "reads"),
        "documents": {
            name: {"path": f"documents/{name}", "readers": sorted(readers)} for name, readers in sets.items()
        },
        "agents": {name: {"roles": sorted(served), "documents": learnt[name]} for name, served in agents.items()},
    }
    (root / "allotment.yaml").write_text(json.dumps(text), encoding="utf-8")
    return load_project(root)


def made(document: str, number: int, text: str, *, language: str = "en", heading: tuple[str, ...] = ()) -> Section:
    """A section as ingestion makes it."""
    return Section(
        id=sha256(f"{document}#{number}#{text}".encode("utf-8", "surrogatepass")).hexdigest()[:16],
        document=document,
        document_set="",
        heading_path=heading,
        text=text,
        start=0,
        end=len(text),
        language=language,
        readers=frozenset(),
    )


def write_sections(project: Project, documents: Mapping[str, tuple[str, list[Section]]]) -> None:
    """Documents (path → set and sections) as the last ingest would have left them, each with a file behind it."""
    with SectionsWriter(Workspace(project.root)) as writer:
        for path, (document_set, sections) in sorted(documents.items()):
            file = project.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(path, encoding="utf-8")
            label = Label(f"documents.{document_set}", project.readers_of(document_set))
            record = DocumentRecord(
                path,
                document_set,
                "done",
                sha256=sha256(path.encode("utf-8")).hexdigest(),
                labels=(label,),
                sections=len(sections),
            )
            writer.add(record, section_rows(sections))


def grant_for(log: AuditLog, project: Project, agent: str, role: str, question: str = "where?") -> Grant:
    """A recorded decision that this role may search as this agent."""
    return authorize(log, Policy.of(project), Principal(role, role), Request(agent, search=True), question=question)
