"""Sections and document records as JSON lines in the workspace."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from allotment.documents._types import DocumentRecord, Section
from allotment.errors import IntegrityError, ProjectError
from allotment.workspace import Workspace, write_jsonl

_Made = TypeVar("_Made", Section, DocumentRecord)


def load_sections(workspace: Workspace) -> list[Section]:
    """All sections of the last ingest, in the order of documents and text.

    Raises:
        ProjectError: nothing was ingested yet.
        IntegrityError: the file is not what was written.
    """
    return [section for section, _ in load_marked_sections(workspace)]


def load_documents(workspace: Workspace) -> list[DocumentRecord]:
    """How every file of the last ingest ended, by path. Errors as ``load_sections``."""
    path = workspace.documents_file
    return [_build(DocumentRecord, row, path, number) for number, row in _rows(path)]


def load_marked_sections(workspace: Workspace) -> list[tuple[Section, str]]:
    """Sections, each with the fingerprint of the document it was cut from."""
    path = workspace.sections_file
    found: list[tuple[Section, str]] = []
    for number, row in _rows(path):
        fingerprint = str(row.pop("fingerprint", ""))
        row["heading_path"] = tuple(row.get("heading_path", ()))
        found.append((_build(Section, row, path, number), fingerprint))
    return found


def save(workspace: Workspace, records: Iterable[DocumentRecord], sections: dict[str, list[Section]]) -> None:
    """Write both files, each whole or not at all; ``sections`` by document path."""
    ordered = sorted(records, key=lambda record: record.path)
    write_jsonl(
        workspace.sections_file,
        (
            {**asdict(section), "readers": sorted(section.readers), "fingerprint": record.fingerprint}
            for record in ordered
            for section in sections.get(record.path, [])
        ),
    )
    write_jsonl(workspace.documents_file, ({**asdict(r), "readers": sorted(r.readers)} for r in ordered))


def _rows(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        remedy = "Run `allotment documents ingest` first."
        raise ProjectError("no documents have been read yet.", element=str(path.parent.parent), remedy=remedy) from None
    for number, line in enumerate(lines, start=1):
        if line:
            yield number, _row(line, path, number)


def _row(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise _broken(path, number)
    return row


def _build(kind: type[_Made], row: dict[str, Any], path: Path, number: int) -> _Made:
    try:
        return kind(**{**row, "readers": frozenset(row["readers"])})
    except (KeyError, TypeError) as error:
        raise _broken(path, number) from error


def _broken(path: Path, number: int) -> IntegrityError:
    remedy = "Delete the file and run `allotment documents ingest`."
    return IntegrityError("is not a line that ingestion wrote.", element=f"{path}:{number}", remedy=remedy)
