"""All declared documents → sections, one outcome for each file; unchanged files are not read again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from allotment.documents._blocks import Extracted
from allotment.documents._extract import EXTRACTOR_VERSION, extract
from allotment.documents._language import detect_language
from allotment.documents._sections import cut
from allotment.documents._store import load_documents, load_marked_sections, save
from allotment.documents._types import DocumentRecord, IngestReport, Section
from allotment.documents._walk import Found, find_files
from allotment.errors import AllotmentError, DocumentError
from allotment.project import Project
from allotment.workspace import Workspace, hash_file, hash_json

Progress = Callable[[str, int, int], None]
_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class _Known:
    """What the last ingest left: records and sections by path."""

    records: dict[str, DocumentRecord]
    sections: dict[str, list[Section]]


def ingest(project: Project, workspace: Workspace, progress: Progress | None = None) -> IngestReport:
    """Read every declared document into sections and write both files of the workspace.

    Args:
        progress: called with the path, files finished and files in all.

    Raises:
        ProjectError: a declared path does not exist, or another command is reading documents here.
    """
    with workspace.lock("documents"):
        known = _known(workspace)
        files = find_files(project)
        records: list[DocumentRecord] = []
        sections: dict[str, list[Section]] = {}
        unchanged = 0
        for number, found in enumerate(files, start=1):
            record, cuts, reused = _one(project, found, known)
            records.append(record)
            sections[record.path] = cuts
            unchanged += reused
            if progress is not None:
                progress(found.id, number, len(files))
        save(workspace, records, sections)
    return _report(records, unchanged, removed=len(known.records.keys() - sections.keys()))


def _known(workspace: Workspace) -> _Known:
    """The last ingest's result; none if it is missing or broken, since it can always be made again.

    Sections of another fingerprint than their record's were left by a run that died between the two files.
    """
    try:
        records = {record.path: record for record in load_documents(workspace)}
        sections: dict[str, list[Section]] = {path: [] for path in records}
        for section, fingerprint in load_marked_sections(workspace):
            if section.document in records and records[section.document].fingerprint == fingerprint:
                sections[section.document].append(section)
    except AllotmentError:
        return _Known({}, {})
    whole = {path: cuts for path, cuts in sections.items() if len(cuts) == records[path].sections}
    return _Known(records, whole)


def _one(project: Project, found: Found, known: _Known) -> tuple[DocumentRecord, list[Section], bool]:
    blank = DocumentRecord(found.id, found.document_set, "", frozenset(), "failed", "", 0)
    try:
        if found.refused:
            raise DocumentError(found.refused)
        record = replace(blank, sha256=_hash(found))
        record = replace(record, fingerprint=_fingerprint(project, record))
        old = known.records.get(found.id)
        if old is not None and old.fingerprint == record.fingerprint and found.id in known.sections:
            return old, known.sections[found.id], True
        return *_read(project, found, record), False
    except DocumentError as error:
        return replace(blank, reason=error.message), [], False


def _hash(found: Found) -> str:
    try:
        if found.path.stat().st_size > _MAX_BYTES:
            raise DocumentError(f"is larger than {_MAX_BYTES // 2**20} MiB")
        return hash_file(found.path)
    except OSError as error:
        raise DocumentError(f"cannot be read ({error.strerror or error})") from error


def _fingerprint(project: Project, record: DocumentRecord) -> str:
    readers = sorted(project.readers_of(record.document_set))
    place = [record.path, record.document_set, record.sha256]
    return hash_json([EXTRACTOR_VERSION, place, readers, sorted(project.roles)])


def _read(project: Project, found: Found, record: DocumentRecord) -> tuple[DocumentRecord, list[Section]]:
    try:
        raw = found.path.read_bytes()
    except OSError as error:
        raise DocumentError(f"cannot be read ({error.strerror or error})") from error
    if not raw.strip():
        return replace(record, state="skipped", reason="is empty"), []
    document = extract(found.path.suffix.lower(), raw)
    readers = _readers(project, found.document_set, document.readers)
    sections = _sections(record, document, readers)
    if not sections:
        return replace(record, state="skipped", reason="has too little text to ask about"), []
    return replace(record, state="done", readers=readers, sections=len(sections)), sections


def _sections(record: DocumentRecord, document: Extracted, readers: frozenset[str]) -> list[Section]:
    language = detect_language(document.text)
    seen: Counter[str] = Counter()
    found: list[Section] = []
    for place in cut(document):
        text = document.text[place.start : place.end]
        name = _identity([record.path, place.heading_path, text], seen)
        spoken = detect_language(text, language)
        where = (record.path, record.document_set, place.heading_path)
        found.append(Section(name, *where, text, place.start, place.end, spoken, readers))
    return found


def _identity(parts: list[Any], seen: Counter[str]) -> str:
    """Hash of the parts; a section that is there twice under one heading is numbered, so that ids stay apart."""
    name = hash_json(parts)
    seen[name] += 1
    return (name if seen[name] == 1 else hash_json([name, seen[name]]))[:16]


def _readers(project: Project, document_set: str, named: frozenset[str] | None) -> frozenset[str]:
    """The set's readers, narrowed by the file's own; never widened."""
    declared = project.readers_of(document_set)
    if named is None:
        return declared
    unknown = sorted(named - project.roles.keys())
    if unknown:
        raise DocumentError(f"front matter: unknown role {', '.join(unknown)} in readers")
    wider = sorted(named - declared)
    if wider:
        raise DocumentError(f"front matter: {', '.join(wider)} may not read {document_set}; readers only narrow")
    return named


def _report(records: list[DocumentRecord], unchanged: int, removed: int) -> IngestReport:
    states = Counter(record.state for record in records)
    total = sum(record.sections for record in records)
    return IngestReport(states["done"], states["skipped"], states["failed"], total, unchanged, removed)
