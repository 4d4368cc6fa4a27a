"""Where the page of each set of documents lies: in its own folder, reached by no link, and read as its own."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from allotment.errors import InputError
from allotment.project import DocumentSet, Project

PAGE = "invented-facts.md"
"""Name of the page in each set's folder."""


def places(project: Project) -> dict[str, Path]:
    """Set of documents → path of its page, which need not be there.

    Raises:
        InputError: a set is no folder, is reached through a link, shares the page with another, or leaves it out.
    """
    found = {name: _place(project, name, config) for name, config in sorted(project.documents.items())}
    sharing: dict[Path, list[str]] = defaultdict(list)
    for name, page in found.items():
        sharing[page.resolve()].append(name)
        inside = [other for other in project.documents if other != name and _reads(project, other, page)]
        sharing[page.resolve()] += [other for other in inside if other not in sharing[page.resolve()]]
    for names in sharing.values():
        if len(names) > 1:
            raise InputError(
                f"the page of one would be read by {' and '.join(sorted(names))}, so that nobody could say who may"
                " know it.",
                element=f"documents.{sorted(names)[0]}",
                remedy="Give each a folder that no other set reads.",
            )
    return found


def require_direct(project: Project, folder: Path) -> None:
    """Refuse a folder that a link leads to: what lies behind one may be somebody's own.

    Raises:
        InputError: it is reached through a link.
    """
    apart = [folder, *folder.parents]
    for path in apart[: apart.index(project.root)] if project.root in apart else [folder]:
        if path.is_symlink():
            raise InputError(
                "is a link, and nothing is written through one.",
                element=str(path),
                remedy="Name the folder itself in allotment.yaml.",
            )


def _place(project: Project, name: str, config: DocumentSet) -> Path:
    folder = project.root / config.path
    if not folder.is_dir():
        raise InputError(
            "facts can be planted in a folder alone, and this set is none.",
            element=f"documents.{name}",
            remedy="Put the file into a folder of its own and name that.",
        )
    require_direct(project, folder)
    if not _takes(config, PurePosixPath(PAGE)):
        raise InputError(
            f"leaves the page {PAGE} out, so that it would not be read.",
            element=f"documents.{name}",
            remedy=f"Name {PAGE} in include, and not in exclude.",
        )
    return folder / PAGE


def _reads(project: Project, name: str, page: Path) -> bool:
    """Whether the set ``name`` would read ``page``."""
    config = project.documents[name]
    folder = (project.root / config.path).resolve()
    real = page.parent.resolve() / page.name
    return real.is_relative_to(folder) and _takes(config, PurePosixPath(real.relative_to(folder).as_posix()))


def _takes(config: DocumentSet, page: PurePosixPath) -> bool:
    """Whether the set's patterns take the page; tried on a file of that name, so that they mean what they always do."""
    with TemporaryDirectory() as name:
        there = Path(name, page)
        there.parent.mkdir(parents=True, exist_ok=True)
        there.touch()
        taken, left_out = (
            {path for pattern in patterns for path in Path(name).glob(pattern)}
            for patterns in (config.include, config.exclude)
        )
        return there in taken - left_out
