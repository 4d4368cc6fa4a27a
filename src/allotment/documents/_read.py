"""One file's bytes → the rows of its sections: extracted, personal data replaced, cut. Runs in a worker process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from allotment.documents._blocks import Extracted
from allotment.documents._extract import extract
from allotment.documents._language import detect_language
from allotment.documents._places import place_of
from allotment.documents._scrub import NO_SCRUB, Scrub, scrubbed
from allotment.documents._sections import Cut, cut
from allotment.documents._store import section_rows
from allotment.documents._tokens import estimate_tokens
from allotment.documents._types import Replaced, Section
from allotment.errors import AllotmentError
from allotment.project import SectionsConfig
from allotment.workspace import hash_json


@dataclass(frozen=True)
class Job:
    """What is to be read, and how; values only, so that it can be sent to another process."""

    path: str
    """POSIX path relative to the project's folder."""
    suffix: str
    """The file's ending in lower case, with its dot."""
    sections: SectionsConfig
    scrub: Scrub = NO_SCRUB
    chapters: bytes = b""
    """The file of chapters beside a recording; empty where there is none."""
    docling: bool = False
    """Whether docling reads Word documents and PDFs."""


@dataclass(frozen=True)
class Reading:
    """What a file gave: the rows of its sections, or why it has none."""

    rows: bytes = b""
    sections: int = 0
    readers: frozenset[str] | None = None
    """Readers its front matter names; none where it names none."""
    replaced: tuple[Replaced, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: str = ""
    failed: str = ""


def read_document(job: Job, raw: bytes) -> Reading:
    """Read one file; whatever is wrong with it is in the outcome, never raised."""
    if not raw.strip():
        return Reading(skipped="is empty")
    try:
        document, replaced = scrubbed(_extracted(job, raw), job.scrub)
    except AllotmentError as error:
        return Reading(failed=str(error))
    except MemoryError:
        return Reading(failed="needs more memory to be read than a document is given")
    except RecursionError:
        return Reading(failed="is nested too deeply")
    except Exception as error:  # a parser's own fault ends one document, never the run
        return Reading(failed=f"could not be read as {job.suffix or 'text'} ({type(error).__name__}: {error})"[:300])
    sections = list(_sections(job, document))
    if not sections:
        return Reading(notes=document.notes, skipped="has too little text to ask about")
    return Reading(section_rows(sections), len(sections), document.readers, replaced, document.notes)


def _extracted(job: Job, raw: bytes) -> Extracted:
    if not job.chapters:
        return extract(job.suffix, raw, docling=job.docling)
    from allotment.documents.formats._transcript import extract_transcript  # loaded with the first recording

    return extract_transcript(raw, job.chapters)


def _sections(job: Job, document: Extracted) -> list[Section]:
    language = detect_language(document.text)
    seen: Counter[str] = Counter()
    return [_section(job, document, piece, language, seen) for piece in cut(document, job.sections)]


def _section(job: Job, document: Extracted, piece: Cut, language: str, seen: Counter[str]) -> Section:
    text = document.text[piece.start : piece.end]
    return Section(
        id=_identity([job.path, piece.heading_path, text], seen),
        document=job.path,
        document_set="",
        heading_path=piece.heading_path,
        text=text,
        start=piece.start,
        end=piece.end,
        language=detect_language(text, language),
        readers=frozenset(),
        tokens=estimate_tokens(text) + estimate_tokens(piece.header),
        table_header=piece.header,
        place=place_of(document.marks, piece.start, piece.end),
    )


def _identity(parts: list[Any], seen: Counter[str]) -> str:
    """Hash of the parts; a section that is there twice under one heading is numbered, so that ids stay apart."""
    name = hash_json(parts)
    seen[name] += 1
    return (name if seen[name] == 1 else hash_json([name, seen[name]]))[:16]
