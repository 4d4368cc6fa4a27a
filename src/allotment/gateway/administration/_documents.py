"""Documents with their readers and their state.

A name says something of a document ("plan-to-buy-acme.md"), and so does why it could not be read. Both are shown to
those whose role reads it. Of the others an administrator sees that they are there, in which set, who reads them and
how they ended: that is what he answers for. One that could not be read is named to nobody here, for what narrows its
readers may be just what could not be read; the command line names it.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allotment.access import Principal
from allotment.documents import DocumentRecord, iterate_sections, load_documents, readers_now
from allotment.errors import AllotmentError
from allotment.gateway.administration._door import AdminGrant, require_admin
from allotment.gateway.administration._fault import AdminFault
from allotment.gateway.wording import say
from allotment.project import Project
from allotment.training.record._shown import visible
from allotment.workspace import Workspace, file_signature

PAGE = 50
MOST_SECTIONS = 200
"""Sections listed of one document."""
_KEY = "administration.key"
_ORDERS = 16
"""Sorted lists kept, one a role and state of the documents."""


@dataclass(frozen=True)
class DocumentRow:
    """A document in the list."""

    id: str
    """Names it in addresses, and says nothing of its name."""
    path: str
    """Empty where the one who looks may not read it."""
    document_set: str
    state: str
    readers: tuple[str, ...]
    """Roles that may read it by today's rules."""
    narrowed: bool
    """Whether fewer roles read it than its set."""
    sections: int
    note: str
    """Why it was left out or failed, and what it has and its sections have not."""
    agents: tuple[str, ...]
    """Agents that learn its set."""


@dataclass(frozen=True)
class DocumentPage:
    """Some documents, and where the next page begins."""

    rows: tuple[DocumentRow, ...]
    after: str
    total: int
    states: Mapping[str, int]
    """State → how many of all documents ended so."""
    read: bool = True
    """Whether documents were read at all."""


@dataclass(frozen=True)
class SectionRow:
    """A section of a document that may be read."""

    heading: str
    language: str
    tokens: int


@dataclass(frozen=True)
class DocumentView:
    """One document: who may read it and why, and its sections."""

    row: DocumentRow
    rules: tuple[tuple[str, tuple[str, ...]], ...]
    """Where a rule stands, and the roles it names."""
    replaced: tuple[tuple[str, int], ...]
    """Kind of personal data and how many pieces were replaced."""
    sections: tuple[SectionRow, ...]
    more: bool


class Documents:
    """What an administrator sees of documents. Thread-safe."""

    def __init__(self, project: Project, workspace: Workspace) -> None:
        self._project = project
        self._workspace = workspace
        self._key = workspace.secret(_KEY)
        self._orders: dict[tuple[object, ...], tuple[DocumentRecord, ...]] = {}
        self._lock = threading.Lock()

    def page(
        self, grant: AdminGrant, *, after: str = "", document_set: str | None = None, state: str | None = None
    ) -> DocumentPage:
        """Documents by set and name, ``PAGE`` at a time; ``after`` is the id of the last one shown before."""
        require_admin(grant, "documents")
        try:
            records = load_documents(self._workspace)
        except AllotmentError:
            return DocumentPage((), "", 0, {}, read=False)
        states: dict[str, int] = {}
        for record in records:
            states[record.state] = states.get(record.state, 0) + 1
        ordered = [
            record
            for record in self._ordered(grant.principal)
            if document_set in (None, record.document_set) and state in (None, record.state)
        ]
        start = next((place + 1 for place, record in enumerate(ordered) if self._id(record.path) == after), 0)
        shown = ordered[start : start + PAGE]
        rows = self._rows(grant.principal, shown)
        return DocumentPage(rows, rows[-1].id if start + PAGE < len(ordered) else "", len(ordered), states)

    def view(self, grant: AdminGrant, identity: str) -> DocumentView:
        """One document that the one who looks may read.

        Raises:
            AdminFault: there is none, or he may not read it: both are answered alike.
        """
        require_admin(grant, "documents")
        found = [record for record in self._records() if hmac.compare_digest(self._id(record.path), identity)]
        row = self._rows(grant.principal, found)[0] if found else None
        if row is None or not row.path:
            raise AdminFault(say("There is no such document, or it is not for you to read."), status=404)
        (record,) = found
        sections: list[SectionRow] = []
        more = False
        for section in iterate_sections(self._workspace, record.path):
            if len(sections) == MOST_SECTIONS:
                more = True
                break
            sections.append(SectionRow(visible(" › ".join(section.heading_path)), section.language, section.tokens))
        rules = tuple((label.origin, self._in_order(label.readers)) for label in record.labels)
        replaced: dict[str, int] = {}
        for item in record.replaced:
            replaced[item.kind] = replaced.get(item.kind, 0) + item.count
        return DocumentView(row, rules, tuple(replaced.items()), tuple(sections), more)

    def _records(self) -> Sequence[DocumentRecord]:
        try:
            return load_documents(self._workspace)
        except AllotmentError:
            return ()

    def _ordered(self, principal: Principal) -> tuple[DocumentRecord, ...]:
        """Records by set; those the role may read by name, the others in an order that says nothing of their names."""
        key = (principal.role, *file_signature(self._workspace.documents_file))
        with self._lock:
            if key not in self._orders:
                if len(self._orders) >= _ORDERS:
                    self._orders.clear()
                records = load_documents(self._workspace)
                self._orders[key] = tuple(sorted(records, key=lambda record: self._place(record, principal.role)))
            return self._orders[key]

    def _place(self, record: DocumentRecord, role: str) -> tuple[str, bool, str]:
        closed = role not in record.readers & self._project.readers_of(record.document_set)
        return record.document_set, closed, self._id(record.path) if closed else record.path

    def _rows(self, principal: Principal, records: Sequence[DocumentRecord]) -> tuple[DocumentRow, ...]:
        now = readers_now(self._project, records)
        return tuple(self._row(principal, record, now[record.path] & record.readers) for record in records)

    def _row(self, principal: Principal, record: DocumentRecord, readers: frozenset[str]) -> DocumentRow:
        # Of one that is not done nobody knows who was to read it: what says so may be what could not be read.
        may_read = principal.role in readers
        agents = tuple(name for name, agent in self._project.agents.items() if record.document_set in agent.documents)
        return DocumentRow(
            self._id(record.path),
            visible(record.path) if may_read else "",
            record.document_set,
            record.state,
            self._in_order(readers),
            record.state == "done" and readers < self._project.readers_of(record.document_set),
            record.sections,
            visible("; ".join(part for part in (record.reason, *record.notes) if part)) if may_read else "",
            agents,
        )

    def _in_order(self, roles: frozenset[str]) -> tuple[str, ...]:
        return tuple(role for role in self._project.roles if role in roles)

    def _id(self, path: str) -> str:
        text = path.encode("utf-8", "surrogatepass")
        return hmac.new(self._key.encode(), text, hashlib.sha256).hexdigest()[:24]
