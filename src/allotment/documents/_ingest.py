"""All declared documents → sections, one outcome for each file; unchanged files are not read again.

Files are read by worker processes, several at once, and written in order one after another: what is held in memory
does not grow with the corpus, but for one small record a file.
"""

from __future__ import annotations

import os
import stat
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from allotment.documents._extract import EXTRACTOR_VERSION
from allotment.documents._pool import DOCLING_LIMIT_BYTES, DOCLING_LIMIT_S, WorkerPool
from allotment.documents._read import Job
from allotment.documents._readers import FolderReaders, labels_of, named_in
from allotment.documents._scrub import NO_SCRUB, Scrub, with_names
from allotment.documents._store import SectionsWriter, load_documents
from allotment.documents._types import DocumentRecord, IngestReport, Label
from allotment.documents._walk import Found, find_files
from allotment.documents._worker import job_header
from allotment.errors import AllotmentError, DocumentError, MissingPartError
from allotment.project import Project
from allotment.workspace import Workspace, hash_json

Progress = Callable[[str, int, int], None]
MAX_BYTES = 64 * 1024 * 1024
"""Largest file that is read."""
_AHEAD = 8
"""Files in work for each worker; bounds what waits to be written."""


@dataclass(frozen=True)
class _Outcome:
    """How one file ended; ``rows`` are to be written, or those of the last ingest kept."""

    record: DocumentRecord
    rows: bytes = b""
    kept: bool = False
    relabelled: bool = False


def ingest(
    project: Project, workspace: Workspace, progress: Progress | None = None, *, workers: WorkerPool | None = None
) -> IngestReport:
    """Read every declared document into sections and write both files of the workspace.

    Args:
        progress: called with the path, files finished and files in all.
        workers: processes that read, left as they are; none starts as many as there are cores, for this call.

    Raises:
        ProjectError: a declared path does not exist, or another command is reading documents here.
        AllotmentError: the result cannot be written; that of the last ingest stays.
    """
    with workspace.lock("documents"):
        known = _known(workspace)
        files = find_files(project)
        with ExitStack() as stack:
            pool = workers or stack.enter_context(_pool_for(project))
            writer = stack.enter_context(SectionsWriter(workspace))
            reader = _Reader(project, workspace, known, pool)
            outcomes: list[_Outcome] = []
            for number, (found, outcome) in enumerate(_in_order(reader.one, files, pool.size), start=1):
                outcomes.append(_written(writer, reader, found, outcome))
                if progress is not None:
                    progress(found.id, number, len(files))
    return _report(known, outcomes)


def _pool_for(project: Project) -> WorkerPool:
    """Workers with the bounds that the project's readers need.

    Raises:
        MissingPartError: a document set asks for docling and it is not installed.
    """
    asking = [name for name, documents in project.documents.items() if documents.reader == "docling"]
    if not asking:
        return WorkerPool()
    if find_spec("docling") is None:
        remedy = "Install it: `pip install 'allotment[docling]'`, or take the line away."
        raise MissingPartError("docling is not installed.", element=f"documents.{asking[0]}.reader", remedy=remedy)
    return WorkerPool(1, limit_s=DOCLING_LIMIT_S, limit_bytes=DOCLING_LIMIT_BYTES)


def _known(workspace: Workspace) -> dict[str, DocumentRecord]:
    """Records of the last ingest by path; none if they are missing or broken, since all can be read again."""
    try:
        return {record.path: record for record in load_documents(workspace)}
    except AllotmentError:
        return {}


def _written(writer: SectionsWriter, reader: _Reader, found: Found, outcome: _Outcome) -> _Outcome:
    """The outcome, written, without its rows; one whose old rows turn out to be damaged is read again."""
    if outcome.kept and writer.keep(outcome.record):
        return outcome
    if outcome.kept:
        outcome = reader.one(found, again=True)
    writer.add(outcome.record, outcome.rows)
    return replace(outcome, rows=b"")


class _Reader:
    """Decides for each file whether it must be read, and reads it. Thread-safe."""

    def __init__(
        self, project: Project, workspace: Workspace, known: dict[str, DocumentRecord], pool: WorkerPool
    ) -> None:
        self._project = project
        self._scrubs = {name: _scrub_of(project, workspace, name) for name in project.documents}
        self._known = known
        self._pool = pool
        self._folders = FolderReaders(project.root)

    def one(self, found: Found, *, again: bool = False) -> _Outcome:
        """The outcome of one file, whatever happens; ``again`` reads it although it is unchanged."""
        blank = DocumentRecord(found.id, found.document_set, "failed")
        if found.refused:
            return _Outcome(replace(blank, state=found.refused_as, reason=found.refused))
        try:
            return self._read(found, blank, again)
        except DocumentError as error:
            return _Outcome(replace(blank, reason=error.message))

    def _read(self, found: Found, blank: DocumentRecord, again: bool) -> _Outcome:
        raw = _bytes_of(found.path)
        chapters = _chapters_of(found)
        digest = sha256(raw).hexdigest()
        record = replace(blank, sha256=digest, fingerprint=self._fingerprint(found, digest, chapters))
        old = self._known.get(found.id)
        if not again and old is not None and old.fingerprint == record.fingerprint:
            return self._relabelled(found, old)
        reading = self._pool.read(self._job(found, chapters), raw)
        if reading.failed:
            raise DocumentError(reading.failed)
        record = replace(record, notes=reading.notes)
        if reading.skipped:
            return _Outcome(replace(record, state="skipped", reason=reading.skipped))
        labels = labels_of(self._project, found.document_set, self._folder_labels(found), reading.readers)
        record = replace(record, state="done", labels=tuple(labels), sections=reading.sections)
        return _Outcome(replace(record, replaced=reading.replaced), reading.rows)

    def _job(self, found: Found, chapters: bytes) -> Job:
        docling = self._project.documents[found.document_set].reader == "docling"
        scrub = self._scrubs[found.document_set]
        return Job(found.id, found.suffix, self._project.sections, scrub, chapters, docling)

    def _relabelled(self, found: Found, old: DocumentRecord) -> _Outcome:
        """The old outcome under today's rules about readers; its rows hold nothing that depends on them."""
        record = replace(old, document_set=found.document_set)
        if old.state != "done":
            return _Outcome(record, kept=True)
        labels = labels_of(self._project, found.document_set, self._folder_labels(found), named_in(old))
        record = replace(record, labels=tuple(labels))
        return _Outcome(record, kept=True, relabelled=record.readers != old.readers)

    def _folder_labels(self, found: Found) -> list[Label]:
        return self._folders.labels(found.path, found.base)

    def _fingerprint(self, found: Found, digest: str, chapters: bytes) -> str:
        how = job_header(self._job(found, b""))
        return hash_json([EXTRACTOR_VERSION, digest, sha256(chapters).hexdigest(), how])


def _scrub_of(project: Project, workspace: Workspace, document_set: str) -> Scrub:
    """How personal data of a document set is replaced; the secret is made with its first use."""
    kinds, config = project.documents[document_set].scrub, project.personal_data
    if not kinds:
        return NO_SCRUB
    secret = workspace.secret("pseudonyms.key")
    scrub = Scrub(kinds, secret, pipeline=config.pipeline or "", regions=config.regions)
    if "names" not in kinds or config.names is None:
        return scrub
    return with_names(scrub, project.root / config.names)


def _chapters_of(found: Found) -> bytes:
    """The file of chapters beside a recording; empty where there is none."""
    return _bytes_of(found.chapters) if found.chapters else b""


def _bytes_of(path: Path) -> bytes:
    """The file's bytes; a pipe or device that took its place since is not waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise DocumentError("is not a regular file")
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise DocumentError(f"cannot be read ({error.strerror or error})") from error
    if len(raw) > MAX_BYTES:
        raise DocumentError(f"is larger than {MAX_BYTES // 2**20} MiB; split it")
    return raw


def _in_order(
    work: Callable[[Found], _Outcome], files: Iterable[Found], threads: int
) -> Iterator[tuple[Found, _Outcome]]:
    """Each file with its outcome, in the order of files; a bounded number is worked on ahead."""
    waiting: deque[tuple[Found, Future[_Outcome]]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="documents") as pool:
        try:
            for found in files:
                waiting.append((found, pool.submit(work, found)))
                if len(waiting) >= _AHEAD * threads:
                    found, future = waiting.popleft()
                    yield found, future.result()
            while waiting:
                found, future = waiting.popleft()
                yield found, future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _report(known: dict[str, DocumentRecord], outcomes: list[_Outcome]) -> IngestReport:
    records = [outcome.record for outcome in outcomes]
    states = Counter(record.state for record in records)
    there = {record.path for record in records}
    gone = {path: record for path, record in known.items() if path not in there}
    moved = _moved(gone, (record for record in records if record.path not in known))
    return IngestReport(
        done=states["done"],
        skipped=states["skipped"],
        failed=states["failed"],
        sections=sum(record.sections for record in records),
        unchanged=sum(outcome.kept for outcome in outcomes),
        relabelled=sum(outcome.relabelled for outcome in outcomes),
        renamed=moved,
        removed=len(gone) - moved,
        replaced=sum(item.count for record in records for item in record.replaced),
    )


def _moved(gone: dict[str, DocumentRecord], new: Iterable[DocumentRecord]) -> int:
    """How many new files have the content of one that is gone; each that is gone counts once."""
    contents = Counter(record.sha256 for record in gone.values() if record.sha256)
    return (contents & Counter(record.sha256 for record in new if record.sha256)).total()
