"""Who may read a document: the set's declaration, narrowed by ``readers.yaml`` of its folders and by its front matter.

Every rule may only narrow. One that cannot be read, names an unknown role, or would widen what stands above it makes
the document fail: what it was to keep from somebody would be lost otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from allotment.documents._front_matter import mapping_of, readers_in
from allotment.documents._types import DocumentRecord, Label
from allotment.errors import DocumentError
from allotment.project import Project

FOLDER_FILE = "readers.yaml"
FRONT_MATTER = "front matter"
_MEANT = frozenset(
    {"readers.yaml", "readers.yml", "readers.json", "readers", ".readers", ".readers.yaml", ".readers.yml"}
)


def is_readers_file(path: Path) -> bool:
    """Whether a file says who may read its folder, or was meant to; it is no document."""
    return path.name.casefold() in _MEANT


def readers_now(project: Project, records: Iterable[DocumentRecord]) -> dict[str, frozenset[str]]:
    """Who may read each document by today's rules, whatever the last ingest noted; nobody where a rule is broken.

    Costs a look at each folder and each ``readers.yaml``; what has not changed since is not read again.
    """
    folders = FolderReaders(project.root)
    bases = {name: _base_of(project, name) for name in project.documents}
    return {record.path: _readers_now(project, folders, bases, record) for record in records}


def _base_of(project: Project, document_set: str) -> Path:
    path = project.root / project.documents[document_set].path
    return path if path.is_dir() else path.parent


@lru_cache(maxsize=100_000)
def _folder_of(root: Path, document: str) -> Path:
    return (root / document).parent


def _readers_now(
    project: Project, folders: FolderReaders, bases: Mapping[str, Path], record: DocumentRecord
) -> frozenset[str]:
    base = bases.get(record.document_set)
    if base is None or record.state != "done":
        return frozenset()
    try:
        narrowed = folders.labels_in(_folder_of(project.root, record.path), base)
        return labels_of(project, record.document_set, narrowed, named_in(record))[-1].readers
    except DocumentError:
        return frozenset()


def named_in(record: DocumentRecord) -> frozenset[str] | None:
    """The readers that the document's own front matter names; none where it names none."""
    return next((label.readers for label in record.labels if label.origin == FRONT_MATTER), None)


class FolderReaders:
    """The ``readers.yaml`` files of a project's folders, each read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, frozenset[str] | DocumentError | None] = {}
        self._labels: dict[tuple[Path, Path], list[Label]] = {}

    def labels(self, file: Path, base: Path) -> list[Label]:
        """Rules of the folders from the outermost down to the file's own.

        Args:
            file: the document.
            base: the document set's folder; folders above it count as far as the project's.

        Raises:
            DocumentError: a rule cannot be read.
        """
        return self.labels_in(file.parent, base)

    def labels_in(self, inmost: Path, base: Path) -> list[Label]:
        """The same for every document of the folder ``inmost``."""
        if (inmost, base) not in self._labels:
            self._labels[inmost, base] = self._read_labels(inmost, base)
        return self._labels[inmost, base]

    def _read_labels(self, inmost: Path, base: Path) -> list[Label]:
        found = []
        for folder in reversed([folder for folder in (inmost, *inmost.parents) if self._counts(folder, base)]):
            readers = self._of(folder)
            if readers is not None:
                found.append(Label(f"{self._name(folder)}{FOLDER_FILE}", readers))
        return found

    def _counts(self, folder: Path, base: Path) -> bool:
        return folder.is_relative_to(base) or folder.is_relative_to(self._root)

    def _name(self, folder: Path) -> str:
        inside = folder.is_relative_to(self._root)
        name = (folder.relative_to(self._root) if inside else folder).as_posix()
        return "" if name == "." else f"{name}/"

    def _of(self, folder: Path) -> frozenset[str] | None:
        if folder not in self._known:
            self._known[folder] = self._read(folder)
        known = self._known[folder]
        if isinstance(known, DocumentError):
            raise known
        return known

    def _read(self, folder: Path) -> frozenset[str] | DocumentError | None:
        try:
            return _readers_of(folder)
        except DocumentError as error:
            return DocumentError(f"{self._name(folder)}{FOLDER_FILE}: {error.message}")


def labels_of(project: Project, document_set: str, folders: list[Label], named: frozenset[str] | None) -> list[Label]:
    """All rules about a document, outermost first; at least one role is left that all of them name.

    Args:
        named: readers of the document's own front matter; none where it names none.

    Raises:
        DocumentError: a rule names an unknown role or one that a rule above it does not have, or nobody is left.
    """
    declared = project.readers_of(document_set)
    labels = [Label(f"documents.{document_set}", declared)]
    inner = [*folders, *([Label(FRONT_MATTER, named)] if named is not None else [])]
    for label in inner:
        unknown = sorted(label.readers - project.roles.keys())
        if unknown:
            raise DocumentError(f"{label.origin}: unknown role {', '.join(unknown)} in readers")
        wider = sorted(label.readers - labels[-1].readers)
        if wider:
            above = document_set if len(labels) == 1 else f"what {labels[-1].origin} covers"
            raise DocumentError(f"{label.origin}: {', '.join(wider)} may not read {above}; readers only narrow")
        labels.append(label)
    return labels


def _readers_of(folder: Path) -> frozenset[str] | None:
    try:
        meant = _meant_in(folder, folder.stat().st_mtime_ns)
    except OSError as error:
        raise DocumentError(f"its folder cannot be read ({error.strerror or error})") from error
    if not meant:
        return None
    other = next((name for name in meant if name != FOLDER_FILE), "")
    if other:
        raise DocumentError(f"there is a file {other}; name it {FOLDER_FILE}, or it would be overlooked")
    readers = readers_in(mapping_of(_source(folder / FOLDER_FILE)))
    if readers is None:
        raise DocumentError("has no key readers")
    return readers


@lru_cache(maxsize=100_000)
def _meant_in(folder: Path, _changed_ns: int) -> tuple[str, ...]:
    """Names of files that say who may read the folder, or were meant to; looked for when an entry came or went."""
    return tuple(sorted(path.name for path in folder.iterdir() if is_readers_file(path)))


def _source(path: Path) -> str:
    if not path.is_file():
        raise DocumentError("is not a regular file")
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DocumentError(f"cannot be read ({type(error).__name__})") from error
