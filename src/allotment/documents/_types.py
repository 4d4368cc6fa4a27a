"""What ingestion makes: sections, one record for each file, and a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from allotment.documents._blocks import Unit

State = Literal["done", "skipped", "failed"]


@dataclass(frozen=True)
class Place:
    """Where in the original file a section stands, for people who look it up."""

    unit: Unit
    first: int
    """First page, slide, sheet, cue or part, counted from 1."""
    last: int
    """Last one; equal to ``first`` where there is but one."""


@dataclass(frozen=True)
class Section:
    """A piece of one document; ``text`` is exactly ``extracted_text[start:end]``."""

    id: str
    """Hash of the document's path, the heading path and the text: edits elsewhere in the file leave it alone."""
    document: str
    """POSIX path relative to the project's folder."""
    document_set: str
    heading_path: tuple[str, ...]
    """Titles from the document's down to the section's own."""
    text: str
    start: int
    """First character in the extracted text."""
    end: int
    """One past the last character in the extracted text."""
    language: str
    """``en``, ``cs``, ``sk``, ``de``, or ``und`` when it could not be told."""
    readers: frozenset[str]
    """Roles that may read it."""
    tokens: int = 0
    """About as many as a model's vocabulary makes of it, the repeated table header included."""
    table_header: str = ""
    """Header of the table whose rows the section begins with, where the table was cut; no part of ``text``."""
    place: Place | None = None
    """Pages, slides, sheets or cues it came from; none where the format has none."""

    @property
    def with_header(self) -> str:
        """The text, with the header of its table before it: what a reader who sees nothing else needs."""
        return f"{self.table_header}\n{self.text}" if self.table_header else self.text


@dataclass(frozen=True)
class Label:
    """One rule that says who may read a document."""

    origin: str
    """Where it stands: ``documents.NAME`` of allotment.yaml, a ``readers.yaml``, or ``front matter``."""
    readers: frozenset[str]


@dataclass(frozen=True)
class Replaced:
    """Personal data that was replaced in a document: the pseudonym, never what it stands for."""

    kind: str
    pseudonym: str
    count: int


@dataclass(frozen=True)
class DocumentRecord:
    """How one file ended."""

    path: str
    """POSIX path relative to the project's folder."""
    document_set: str
    state: State
    reason: str = ""
    """Why it was skipped or failed; empty when done."""
    sha256: str = ""
    """Of the file's bytes; empty if they could not be read."""
    labels: tuple[Label, ...] = ()
    """Every rule about its readers; empty unless it is done."""
    sections: int = 0
    replaced: tuple[Replaced, ...] = ()
    """Personal data replaced before anything was kept."""
    notes: tuple[str, ...] = ()
    """What the file has and its sections have not: hidden sheets, pages without text, attachments."""
    fingerprint: str = ""
    """Hash of everything its sections depend on; an equal one means the file need not be read again."""
    offset: int = 0
    """First byte of its rows in ``sections.jsonl``."""
    length: int = 0
    """Bytes of its rows."""
    rows_sha256: str = ""
    """Of its rows: sections that somebody edited are noticed."""

    @property
    def readers(self) -> frozenset[str]:
        """Roles that may read it: those that every label names; nobody where there is no label."""
        return frozenset.intersection(*(label.readers for label in self.labels)) if self.labels else frozenset()


@dataclass(frozen=True)
class IngestReport:
    """Counts over all files: ``done + skipped + failed`` is the number of files found."""

    done: int
    skipped: int
    failed: int
    sections: int
    unchanged: int = 0
    """Of the done and skipped ones, how many were not read again."""
    relabelled: int = 0
    """Of the unchanged ones, how many have other readers than before."""
    renamed: int = 0
    """Files that lay elsewhere before, with the same content; they are read again, for their path is in the ids."""
    removed: int = 0
    """Files known before that are not there any more, the renamed ones left out."""
    replaced: int = 0
    """Pieces of personal data that were replaced by pseudonyms."""
