"""``allotment init``: a new project, empty or a copy of an example."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from allotment.cli._app import app, command
from allotment.cli._run import Run
from allotment.errors import ProjectError

_IGNORED = ".allotment/\n"


@command(app, "init")
def init(
    run: Run,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder to make; it must not exist or be empty.")],
    example: Annotated[str | None, typer.Option(help="Copy this example company: northwind.")] = None,
) -> None:
    """Make a new project, or a copy of an example company.

    A new project is an allotment.yaml with comments, a folder for documents, and a .gitignore.
    """
    folder = run.folder / folder
    make_project(folder, example)
    following = f"allotment -C {folder} check"
    run.show(
        {"folder": str(folder.resolve()), "example": example, "next": following},
        lambda console: console.print(f"Made {folder}. Next: {following}", markup=False),
    )


def make_project(folder: Path, example: str | None) -> None:
    """Fill an empty or new folder with a project.

    Raises:
        ProjectError: the folder has something in it, is a file, or there is no such example.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ProjectError("is not an empty folder.", element=str(folder), remedy="Name a new one.")
    if example is not None:
        _copy_example(example, folder)
    else:
        (folder / "documents").mkdir(parents=True)
        (folder / "allotment.yaml").write_text(_template(), encoding="utf-8")
    (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")


def _copy_example(name: str, folder: Path) -> None:
    with as_file(files("allotment") / "examples") as examples:
        known = sorted(entry.name for entry in examples.iterdir() if (entry / "allotment.yaml").is_file())
        if name not in known:
            raise ProjectError(f"there is no example {name!r}.", remedy=f"Examples: {', '.join(known)}.")
        shutil.copytree(examples / name, folder, dirs_exist_ok=True)


def _template() -> str:
    return (files("allotment.cli") / "template.yaml").read_text(encoding="utf-8")
