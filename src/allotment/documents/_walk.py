"""Which files belong to the declared document sets, and where each really lies."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from allotment.errors import ProjectError
from allotment.project import DocumentSet, Project


@dataclass(frozen=True)
class Found:
    """A file of a document set; ``refused`` says why it must not be opened (empty: it may)."""

    id: str
    """POSIX path relative to the project's folder."""
    path: Path
    document_set: str
    refused: str = ""


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


def _in_set(root: Path, name: str, document_set: DocumentSet) -> list[Found]:
    base = root / document_set.path
    if not base.exists():
        raise ProjectError(
            f"the path {document_set.path.as_posix()} does not exist.",
            element=f"documents.{name}",
            remedy="Make it, or correct documents in allotment.yaml.",
        )
    if not base.is_dir():
        return [Found(_id(root, base), base, name, _refusal(base, base.parent))]
    return [Found(_id(root, path), path, name, _refusal(path, base)) for path in sorted(_matching(base, document_set))]


def _matching(base: Path, document_set: DocumentSet) -> set[Path]:
    taken = {path for pattern in document_set.include for path in base.glob(pattern)}
    left_out = {path for pattern in document_set.exclude for path in base.glob(pattern)}
    return {path for path in taken - left_out if not _is_plain_folder(path)}


def _is_plain_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _refusal(path: Path, base: Path) -> str:
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
    except (OSError, RuntimeError) as error:
        return f"cannot be read ({getattr(error, 'strerror', None) or 'a link that leads to itself'})"
    if not real.is_relative_to(base.resolve()):
        return "is a link that leads out of its folder"
    return "" if stat.S_ISREG(mode) else "is not a regular file"


def _id(root: Path, path: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _ambiguous(first: Found, second: Found) -> Found:
    sets = f"{first.document_set} and {second.document_set}"
    return Found(first.id, first.path, first.document_set, f"is declared in two document sets ({sets})")
