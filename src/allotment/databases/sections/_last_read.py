"""What the last ingest read, and whether it still stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from allotment.databases.sections._sync import digests_of
from allotment.documents import DocumentRecord, load_documents, readers_now
from allotment.project import Project
from allotment.workspace import Workspace, hash_file_once


@dataclass(frozen=True)
class _Read:
    sha256: str | None
    records: Mapping[str, DocumentRecord]
    digests: Mapping[str, str]


class LastRead:
    """The records of the last ingest; their file is looked at every time, and read only when it is another."""

    def __init__(self, project: Project, workspace: Workspace, model: str | None) -> None:
        """``model`` makes vectors; what was read for another one does not count."""
        self._project = project
        self._workspace = workspace
        self._model = model
        self._kept = _Read(None, {}, {})

    @property
    def digests(self) -> Mapping[str, str]:
        """Readers as ``readers_text`` → hash of what was read for them.

        Raises:
            ProjectError: nothing was ingested yet.
        """
        return self._now().digests

    def visible_to(self, agent: str) -> dict[str, str]:
        """Of ``digests`` those that every role of the agent may read."""
        needed = [f"/{role}/" for role in self._project.agents[agent].roles]
        return {readers: digest for readers, digest in self.digests.items() if all(role in readers for role in needed)}

    def current(self, documents: Collection[str], role: str) -> set[str]:
        """Of ``documents`` those that are still what was read, and that ``role`` may read by today's rules."""
        known = self._now().records
        records = [known[path] for path in sorted(documents) if path in known]
        allowed = readers_now(self._project, records)
        return {
            record.path
            for record in records
            if role in allowed[record.path] and hash_file_once(self._project.root / record.path) == record.sha256
        }

    def _now(self) -> _Read:
        sha256 = hash_file_once(self._workspace.documents_file)
        if sha256 is None or self._kept.sha256 != sha256:
            records = load_documents(self._workspace)
            self._kept = _Read(sha256, {one.path: one for one in records}, digests_of(records, self._model))
        return self._kept
