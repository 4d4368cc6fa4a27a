"""Personal data out of an extracted text: the text, its headings and its spans, before it is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from allotment.documents._blocks import Block, Extracted
from allotment.documents._types import Replaced
from allotment.documents.formats._markdown import markdown_blocks
from allotment.errors import DocumentError, ProjectError
from allotment.project import PersonalKind, Project
from allotment.workspace import hash_text

if TYPE_CHECKING:
    from allotment.documents.personal import Found, NameRecogniser, Scrubbed


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

    def of(text: str) -> Scrubbed:
        return scrub(text, wanted.kinds, pseudonyms, names, regions=wanted.regions)

    found = of(document.text)
    blocks = tuple(_moved(block, document.text, found) for block in document.blocks)
    marks = tuple(replace(mark, start=found.moved(mark.start)) for mark in document.marks)
    rows = report({"": found.edits}).replacements
    replaced = tuple(Replaced(row.kind, row.pseudonym, row.count) for row in rows)
    notes = tuple(of(note).text for note in document.notes)
    return replace(document, text=found.text, blocks=blocks, marks=marks, notes=notes), replaced


def personal_finder(
    project: Project, kinds: Sequence[PersonalKind]
) -> Callable[[str], list[tuple[PersonalKind, Found]]]:
    """What finds personal data of these kinds in a text, as the project says it is known.

    Raises:
        ProjectError: the file of names cannot be read.
        MissingPartError: the recogniser of names is not installed.
    """
    from allotment.documents.personal import find

    config = project.personal_data
    wanted = Scrub(tuple(kinds), pipeline=config.pipeline or "", regions=config.regions)
    if "names" in kinds and config.names is not None:
        wanted = with_names(wanted, project.root / config.names)
    names = _recogniser(wanted)
    return lambda text: find(text, wanted.kinds, names, regions=wanted.regions)


def with_names(wanted: Scrub, file: Path) -> Scrub:
    """The same with the people of a file.

    Raises:
        ProjectError: it cannot be read.
    """
    try:
        digest = hash_text(names_text(file))
    except DocumentError as error:
        raise ProjectError(
            error.message, element="personal_data.names", remedy="Make it, or correct its path."
        ) from error
    return replace(wanted, names_file=str(file), names_sha256=digest)


def _moved(block: Block, original: str, found: Scrubbed) -> Block:
    """The block in the scrubbed text. Its title and header are taken from there, not scrubbed by themselves: what makes
    a number a telephone number may stand in the line before."""
    start, end = found.moved_span(block.start, block.end)
    if found.text[start:end] == original[block.start : block.end]:
        return replace(block, start=start, end=end, pieces=_moved_pieces(block, found))
    title = _title(found.text[start:end]) if block.title else ""
    header = _header(block, original, found) if block.header else ""
    return replace(block, start=start, end=end, pieces=_moved_pieces(block, found), title=title, header=header)


def _moved_pieces(block: Block, found: Scrubbed) -> tuple[tuple[int, int], ...]:
    return tuple(found.moved_span(left, right) for left, right in block.pieces)


def _title(heading: str) -> str:
    """The words of a heading of the extracted text, which is Markdown wherever there are headings."""
    return next((block.title for block in markdown_blocks(heading) if block.kind == "heading"), "")


def _header(block: Block, original: str, found: Scrubbed) -> str:
    """The header in the scrubbed text; none if it does not stand at the head of its table."""
    if not original.startswith(block.header, block.start):
        return ""
    start, end = found.moved_span(block.start, block.start + len(block.header))
    return found.text[start:end]


def _recogniser(wanted: Scrub) -> NameRecogniser | None:
    if "names" not in wanted.kinds:
        return None
    listed = [_declared(wanted.names_file, wanted.names_sha256)] if wanted.names_file else []
    return _AllOf((*listed, *([_pipeline(wanted.pipeline)] if wanted.pipeline else [])))


@dataclass(frozen=True)
class _AllOf:
    """What any of several recognisers finds."""

    recognisers: tuple[NameRecogniser, ...]

    def names(self, text: str) -> Iterator[Found]:
        for recogniser in self.recognisers:
            yield from recogniser.names(text)


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
