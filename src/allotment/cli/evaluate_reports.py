"""``allotment evaluate verify`` and ``key``: whether a report is whole, and the key that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.cli._app import command
from allotment.cli._run import Run
from allotment.cli.evaluate import evaluation

if TYPE_CHECKING:
    from allotment.evaluation.report import Verification

_UNREADABLE = 2


@command(evaluation, "verify")
def verify_report(
    run: Run,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A report, JSON or page.")],
    public: Annotated[
        str | None,
        typer.Option("--public", metavar="HEX", help="Public key to check with; without it that of the project."),
    ] = None,
) -> int:
    """Check that a report is what the project signed, whole and unaltered.

    The key that stands in the report is never trusted. Exit code 0: genuine; 1: not, and which part is not; 2: the file
    is no report or of a version not known here.
    """
    from allotment.errors import InputError
    from allotment.evaluation.report import read_file, verify

    wanted = public if public is not None else _own_key(run)
    try:
        found = verify(read_file(file), wanted)
    except InputError as error:
        error.exit_code = _UNREADABLE
        error.element = str(file) if error.element in ("report", "page") else f"{file}: {error.element}"
        raise
    parts = list(_parts(found, file))
    value = {"genuine": found.genuine, "signature": found.by_key, "page": found.page, "told": parts, **_facts(found)}
    run.show(value, lambda console: console.print("\n".join(parts), markup=False, soft_wrap=True))
    return 0 if found.genuine else 1


@command(evaluation, "key")
def show_key(run: Run) -> None:
    """Show the public key with which anybody can check this project's reports.

    Hand it on by another way than the reports. It is made from the project's manifest.key and changes only with it.
    """
    from allotment.evaluation.report import public_key

    run.project()
    found = public_key(run.workspace())
    run.show({"public_key": found}, lambda console: console.print(found, markup=False))


def _own_key(run: Run) -> str:
    """The project's public key; nothing is made for it where there is none."""
    from allotment.errors import ProjectError
    from allotment.evaluation.report import public_key

    workspace = run.workspace()
    if not workspace.secret_file("manifest.key").exists():
        raise ProjectError(
            "there is no project here whose key the report could be checked with.",
            element=str(run.folder),
            remedy="Give the public key with --public, or the project's folder with -C.",
        )
    return public_key(workspace)


def _facts(found: Verification) -> dict[str, Any]:
    signed = found.signed
    return {
        "report": signed.report if found.by_key else None,
        "allotment": signed.allotment,
        "public_key": signed.public_key,
    }


def _parts(found: Verification, file: Path) -> Iterator[str]:
    """What is vouched for, and what is not, a line each."""
    from allotment.evaluation.report import visible

    report = found.signed.report
    if found.genuine:
        yield visible(f"Genuine: {file}: {report.kind} of {report.project}, made {report.created}: {report.verdict}")
        return
    yield f"Not genuine: {file}"
    if not found.by_key:
        yield "The signature: it was not signed with this key, or was altered since. Nothing in it is vouched for."
        return
    yield "The signed JSON within is genuine; the page around it is not vouched for:"
    if found.page == "altered":
        yield "it is not the one that is made from this JSON. Somebody altered it; read the JSON instead."
    else:
        yield (
            f"it was made by another version (Allotment {found.signed.allotment}) and cannot be made anew here."
            " Read the JSON instead, or verify it with that version."
        )
