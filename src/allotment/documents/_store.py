"""Sections and document records as JSON lines in the workspace.

``sections.jsonl`` holds the rows of one document after another, ``documents.jsonl`` how each file ended, who may read
it and where its rows lie. A section has no readers of its own: its document's record has them, so documents are
labelled anew without touching a row. It also has the hash of its rows: one that was edited, or left by a run that died
between the two files, is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from functools import lru_cache
from hashlib import sha256
from os import fstat
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from allotment.documents._types import DocumentRecord, Label, Place, Replaced, Section
from allotment.errors import IntegrityError, ProjectError
from allotment.workspace import Workspace, atomic_writer, file_signature

_PIECE = 1 << 20
_REMEDY = "Run `allotment documents ingest`: it reads everything again."


def load_sections(workspace: Workspace, document: str | None = None) -> list[Section]:
    """Sections of the last ingest, in the order of documents and text; of one document where it is named.

    Raises:
        ProjectError: nothing was ingested yet.
        IntegrityError: a file is not what was written.
    """
    return list(iterate_sections(workspace, document))


def iterate_sections(workspace: Workspace, document: str | None = None) -> Iterator[Section]:
    """As ``load_sections``, one after another: memory does not grow with the documents."""
    with _open_rows(workspace) as rows:
        for record in load_documents(workspace):
            if record.length and document in (None, record.path):
                yield from _sections_in(_rows_of(rows, record, workspace.sections_file), record, workspace)


def load_documents(workspace: Workspace) -> list[DocumentRecord]:
    """How every file of the last ingest ended, by path. Errors as ``load_sections``."""
    path = workspace.documents_file
    try:
        return list(_records_as_of(path, *file_signature(path)))
    except FileNotFoundError:
        raise _nothing_yet(workspace) from None


@lru_cache(maxsize=8)
def _records_as_of(path: Path, *_signature: int) -> tuple[DocumentRecord, ...]:
    """Read once as long as the file is the same: whether an adapter is stale is asked with every question."""
    with path.open("rb") as file:
        return tuple(_record(line, path, number) for number, line in enumerate(file, start=1))


class SectionsWriter:
    """Writes both files, sections first and document by document; a context manager.

    What is there stays until the ``with`` ends without an error. Nothing but the records is held in memory. The
    sections are written anew only from the first document on that is not kept where it lies.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._records: list[DocumentRecord] = []
        self._offset = 0
        self._stack = ExitStack()
        self._old: IO[bytes] | None = None
        self._new: IO[bytes] | None = None
        """None as long as what is there, up to the offset, is what would be written."""

    def __enter__(self) -> Self:
        if self._workspace.sections_file.is_file():
            self._old = self._stack.enter_context(self._workspace.sections_file.open("rb"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            if not self._is_whole():
                self._begin()
        self._write_records()

    def _is_whole(self) -> bool:
        """Whether nothing is left to write: the file before ends where the last kept document does."""
        return self._new is not None or (self._old is not None and fstat(self._old.fileno()).st_size == self._offset)

    def _begin(self) -> IO[bytes]:
        """The new file, begun with what stays of the one before."""
        if self._new is None:
            self._new = self._stack.enter_context(atomic_writer(self._workspace.sections_file))
            if self._old:
                self._old.seek(0)
                _copy(self._old, self._new, self._offset)
        return self._new

    def add(self, record: DocumentRecord, rows: bytes) -> None:
        """A document and the rows of its sections, as ``section_rows`` makes them."""
        self._append(record, rows, sha256(rows).hexdigest())

    def keep(self, record: DocumentRecord) -> bool:
        """A document whose rows stay as they are; ``record`` says where they lie in the file before.

        False where they are not what was written: nothing is added then, and the document has to be read again.
        """
        rows = _bytes_of(self._old, record) if self._old and record.length else b""
        if sha256(rows).hexdigest() != record.rows_sha256:
            return False
        stays = self._new is None and record.offset == self._offset
        self._append(record, rows, record.rows_sha256, stays=stays)
        return True

    def _append(self, record: DocumentRecord, rows: bytes, digest: str, *, stays: bool = False) -> None:
        if rows and not stays:
            self._begin().write(rows)
        self._records.append(replace(record, offset=self._offset, length=len(rows), rows_sha256=digest))
        self._offset += len(rows)

    def _write_records(self) -> None:
        with atomic_writer(self._workspace.documents_file) as file:
            for record in self._records:
                file.write(_line(_record_row(record)))


def _copy(source: IO[bytes], target: IO[bytes], length: int) -> None:
    while length and (piece := source.read(min(length, _PIECE))):
        target.write(piece)
        length -= len(piece)


def section_rows(sections: Iterable[Section]) -> bytes:
    """Sections as lines of ``sections.jsonl``, without what their document's record says."""
    return b"".join(_line(_section_row(section)) for section in sections)


def _section_row(section: Section) -> dict[str, Any]:
    row = asdict(section)
    del row["readers"], row["document_set"]
    return row


def _record_row(record: DocumentRecord) -> dict[str, Any]:
    labels = [{"origin": label.origin, "readers": sorted(label.readers)} for label in record.labels]
    return {**vars(record), "labels": labels, "replaced": [asdict(item) for item in record.replaced]}


def _line(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


@contextmanager
def _open_rows(workspace: Workspace) -> Iterator[IO[bytes]]:
    path = workspace.sections_file
    if not workspace.documents_file.is_file():
        raise _nothing_yet(workspace)
    if not path.is_file():
        raise IntegrityError("is missing.", element=str(path), remedy=_REMEDY)
    with path.open("rb") as file:
        yield file


def _nothing_yet(workspace: Workspace) -> ProjectError:
    remedy = "Run `allotment documents ingest` first."
    return ProjectError("no documents have been read yet.", element=str(workspace.root), remedy=remedy)


def _rows_of(file: IO[bytes], record: DocumentRecord, path: Path) -> bytes:
    rows = _bytes_of(file, record)
    if sha256(rows).hexdigest() != record.rows_sha256:
        raise IntegrityError(f"the sections of {record.path} were edited.", element=str(path), remedy=_REMEDY)
    return rows


def _bytes_of(file: IO[bytes], record: DocumentRecord) -> bytes:
    file.seek(record.offset)
    return file.read(record.length)


def _sections_in(rows: bytes, record: DocumentRecord, workspace: Workspace) -> Iterator[Section]:
    for line in rows.splitlines():
        row = _parsed(line, workspace.sections_file, 0)
        try:
            yield _section(row, record)
        except (KeyError, TypeError) as error:
            raise _broken(workspace.sections_file, 0) from error


def _section(row: dict[str, Any], record: DocumentRecord) -> Section:
    place = Place(**row["place"]) if row["place"] else None
    path = tuple(row["heading_path"])
    own = {"heading_path": path, "place": place, "document_set": record.document_set, "readers": record.readers}
    return Section(**{**row, **own})


def _record(line: bytes, path: Path, number: int) -> DocumentRecord:
    row = _parsed(line, path, number)
    try:
        labels = tuple(Label(label["origin"], frozenset(label["readers"])) for label in row["labels"])
        replaced = tuple(Replaced(**item) for item in row["replaced"])
        return DocumentRecord(**{**row, "labels": labels, "replaced": replaced, "notes": tuple(row["notes"])})
    except (KeyError, TypeError) as error:
        raise _broken(path, number) from error


def _parsed(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise _broken(path, number)
    return row


def _broken(path: Path, number: int) -> IntegrityError:
    element = f"{path}:{number}" if number else str(path)
    return IntegrityError("is not a line that ingestion wrote.", element=element, remedy=_REMEDY)
