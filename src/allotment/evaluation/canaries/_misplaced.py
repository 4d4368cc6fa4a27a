"""Whether what was planted or declared stands where others may read it: a document labelled wrongly."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from allotment.documents import load_documents, load_sections, readers_now
from allotment.evaluation.canaries._detector import Detector
from allotment.evaluation.canaries._types import Canary
from allotment.project import Project
from allotment.workspace import Workspace


def misplaced(project: Project, workspace: Workspace, canaries: Sequence[Canary]) -> Iterator[str]:
    """A sentence for each document that says a value to roles who may not know it, by today's labels."""
    detector = Detector(canaries)
    readers = readers_now(project, load_documents(workspace))
    told: set[tuple[str, frozenset[str]]] = set()
    for section in load_sections(workspace):
        roles = readers.get(section.document, frozenset())
        for canary in detector.found("\n".join((*section.heading_path, section.with_header))):
            others = roles - canary.readers
            if others and (section.document, others) not in told:
                told.add((section.document, others))
                yield (
                    f"{section.document} may be read by {', '.join(sorted(others))}, and says what only"
                    f" {', '.join(sorted(canary.readers)) or 'nobody'} may know"
                )
