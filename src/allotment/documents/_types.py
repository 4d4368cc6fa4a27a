"""What ingestion makes: sections, one record for each file, and a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["done", "skipped", "failed"]


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


@dataclass(frozen=True)
class DocumentRecord:
    """How one file ended."""

    path: str
    """POSIX path relative to the project's folder."""
    document_set: str
    sha256: str
    """Of the file's bytes; empty if they could not be read."""
    readers: frozenset[str]
    """Roles that may read it; empty unless it is done."""
    state: State
    reason: str
    """Why it was skipped or failed; empty when done."""
    sections: int
    fingerprint: str = ""
    """Hash of everything its sections depend on; an equal one means the file need not be read again."""


@dataclass(frozen=True)
class IngestReport:
    """Counts over all files: ``done + skipped + failed`` is the number of files found."""

    done: int
    skipped: int
    failed: int
    sections: int
    unchanged: int = 0
    """Of the done and skipped ones, how many were not read again."""
    removed: int = 0
    """Files known before that are not there any more."""
