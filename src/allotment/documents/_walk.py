"""Which files belong to the declared document sets, and where each really lies."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from allotment.documents._extract import SUFFIXES
from allotment.documents._readers import is_readers_file
from allotment.documents._types import State
from allotment.errors import ProjectError
from allotment.project import ALL_FILES, DocumentSet, Project

CHAPTERS_SUFFIX = ".chapters.json"
"""Ending of the file with a recording's chapters, in place of the recording's own."""
RECORDINGS = (".srt", ".vtt")


@dataclass(frozen=True)
class Found:
    """A file of a document set; ``refused`` says why it must not be opened (empty: it may)."""

    id: str
    """POSIX path relative to the project's folder."""
    path: Path
    document_set: str
    base: Path
    """Folder of the document set."""
    refused: str = ""
    refused_as: State = "failed"
    chapters: Path | None = None
    """The file beside a recording that gives its chapters."""

    @property
    def suffix(self) -> str:
        """The file's ending in lower case, with its dot."""
        return self.path.suffix.lower()


def find_files(project: Project) -> list[Found]:
    """Every declared file once, by id; one that several sets declare is refused, for its readers are ambiguous.

    Raises:
        ProjectError: a declared path does not exist.
    """
    by_id: dict[str, Found] = {}
    for name, document_set in sorted(project.documents.items()):
        for found in _in_set(project.root, name, document_set):
            other = by_id.get(found.id)
            by_id[found.id] = found if other is None else _ambiguous(other, found)
    return [by_id[key] for key in sorted(by_id)]


def _in_set(root: Path, name: str, document_set: DocumentSet) -> Iterator[Found]:
    base = root / document_set.path
    if not base.exists():
        raise ProjectError(
            f"the path {document_set.path.as_posix()} does not exist.",
            element=f"documents.{name}",
            remedy="Make it, or correct documents in allotment.yaml.",
        )
    if not base.is_dir():
        yield _found(root, base, name, base.parent, base.parent.resolve())
        return
    real = base.resolve()
    for path in sorted(_matching(base, document_set)):
        found = _found(root, path, name, base, real)
        yield found if document_set.include != ALL_FILES else _of_known_kind(found)


def _matching(base: Path, document_set: DocumentSet) -> set[Path]:
    taken = {path for pattern in document_set.include for path in base.glob(pattern)}
    left_out = {path for pattern in document_set.exclude for path in base.glob(pattern)}
    everything = document_set.include == ALL_FILES
    return {
        path
        for path in taken - left_out
        if not _is_plain_folder(path) and not _is_companion(path) and not (everything and _is_hidden(path, base))
    }


def _is_companion(path: Path) -> bool:
    """Whether a file says something about others and is no document."""
    return is_readers_file(path) or path.name.endswith(CHAPTERS_SUFFIX)


def _is_hidden(path: Path, base: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(base).parts)


def _is_plain_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _found(root: Path, path: Path, name: str, base: Path, real: Path) -> Found:
    """The file at ``path``; ``real`` is where the set's folder ``base`` lies once links are followed."""
    identity = Path(os.path.relpath(path, root)).as_posix()
    chapters = path.with_suffix(CHAPTERS_SUFFIX) if path.suffix.lower() in RECORDINGS else None
    if chapters is None or not (chapters.exists() or chapters.is_symlink()):
        return Found(identity, path, name, base, _refusal(path, real))
    refused = _refusal(path, real) or _of_chapters(_refusal(chapters, real))
    return Found(identity, path, name, base, refused, chapters=chapters)


def _of_chapters(refusal: str) -> str:
    return f"its file of chapters {refusal}" if refusal else ""


def _of_known_kind(found: Found) -> Found:
    """A file nobody named: read if its ending is known, else skipped."""
    if found.refused or found.suffix in SUFFIXES:
        return found
    reason = f"is of a kind that is not read ({found.suffix or 'no ending'}); name it in include to read it as text"
    return replace(found, refused=reason, refused_as="skipped")


def _refusal(path: Path, folder: Path) -> str:
    """Why the file must not be opened; it may lie nowhere but in ``folder``, links followed."""
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
    except (OSError, RuntimeError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or 'a link that leads to itself'})"
    if not real.is_relative_to(folder):
        return "is a link that leads out of its folder"
    return "" if stat.S_ISREG(mode) else "is not a regular file"


def _ambiguous(first: Found, second: Found) -> Found:
    sets = f"{first.document_set} and {second.document_set}"
    return replace(first, refused=f"is declared in two document sets ({sets})", refused_as="failed")
