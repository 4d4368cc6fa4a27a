"""Personal data out of an extracted text: the text, its headings and its spans, before it is cut."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from allotment.documents._blocks import Block, Extracted
from allotment.documents._types import Replaced
from allotment.errors import DocumentError
from allotment.project import PersonalKind
from allotment.workspace import hash_text

if TYPE_CHECKING:
    from allotment.documents.personal import NameRecogniser


@dataclass(frozen=True)
class Scrub:
    """What is replaced and how it is found; values only, so that it can be sent to another process."""

    kinds: tuple[PersonalKind, ...] = ()
    secret: str = ""
    """Hexadecimal; the same value gets the same pseudonym under the same secret."""
    names_file: str = ""
    names_sha256: str = ""
    """Of the file's text, so that a file that changes in between is noticed."""
    pipeline: str = ""
    regions: tuple[str, ...] = ()


NO_SCRUB = Scrub()


def scrubbed(document: Extracted, wanted: Scrub) -> tuple[Extracted, tuple[Replaced, ...]]:
    """The document without its personal data, and what was replaced; as it is where nothing is to be replaced.

    Raises:
        DocumentError: the names cannot be read, or the text is made so that something is always found.
        MissingPartError: the recogniser of names is not installed.
    """
    if not wanted.kinds:
        return document, ()
    from allotment.documents.personal import Pseudonyms, report, scrub

    pseudonyms, names = Pseudonyms(wanted.secret), _recogniser(wanted)

    def clean(text: str) -> str:
        return scrub(text, wanted.kinds, pseudonyms, names, regions=wanted.regions).text if text else text

    found = scrub(document.text, wanted.kinds, pseudonyms, names, regions=wanted.regions)

    def moved(block: Block) -> Block:
        start, end = found.moved_span(block.start, block.end)
        pieces = tuple(found.moved_span(left, right) for left, right in block.pieces)
        return replace(block, start=start, end=end, pieces=pieces, title=clean(block.title), header=clean(block.header))

    blocks = tuple(moved(block) for block in document.blocks)
    marks = tuple(replace(mark, start=found.moved(mark.start)) for mark in document.marks)
    rows = report({"": found.edits}).replacements
    replaced = tuple(Replaced(row.kind, row.pseudonym, row.count) for row in rows)
    return replace(document, text=found.text, blocks=blocks, marks=marks), replaced


def _recogniser(wanted: Scrub) -> NameRecogniser | None:
    if "names" not in wanted.kinds:
        return None
    if wanted.pipeline:
        return _pipeline(wanted.pipeline)
    return _declared(wanted.names_file, wanted.names_sha256)


@lru_cache(maxsize=1)
def _declared(file: str, sha256: str) -> NameRecogniser:
    from allotment.documents.personal import DeclaredNames

    text = names_text(Path(file))
    if hash_text(text) != sha256:
        raise DocumentError("the file of names changed while documents were read; run it again")
    return DeclaredNames(line for line in text.splitlines() if line.strip())


@lru_cache(maxsize=1)
def _pipeline(name: str) -> NameRecogniser:
    from allotment.documents.personal import SpacyNames

    return SpacyNames(name)


def names_text(path: Path) -> str:
    """The text of a file of names.

    Raises:
        DocumentError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"the file of names {path.name} cannot be read ({error})") from error
