"""``allotment documents``: every declared document read into sections."""

from __future__ import annotations

from typing import Annotated

import typer

from allotment.cli._app import command, group
from allotment.cli._run import Run
from allotment.errors import ProjectError

documents = group("documents", "Documents, read into sections with their readers.")


@command(documents, "ingest")
def ingest_documents(run: Run) -> int:
    """Read all declared documents into sections.

    Unchanged ones are skipped. Exit code 1 where some could not be read; the others are done and kept.
    """
    from allotment.documents import ingest

    project, workspace = run.project(), run.workspace()
    with run.progress() as progress:
        report = ingest(project, workspace, progress)
    text = (
        f"{report.done} read ({report.unchanged} unchanged), {report.skipped} skipped, {report.failed} failed;"
        f" {report.sections} sections"
    )
    run.show(report, lambda console: console.print(text))
    return 1 if report.failed else 0


@command(documents, "list")
def list_documents(run: Run) -> None:
    """List the documents: state, sections, readers."""
    from allotment.documents import load_documents

    run.project()
    records = load_documents(run.workspace())
    rows = [
        (item.path, item.document_set, item.state, item.sections, ", ".join(sorted(item.readers)), item.reason)
        for item in records
    ]
    columns = ("document", "set", "state", "sections", "readers", "reason")
    run.show_table(columns, rows, records, "No document was found.")


@command(documents, "show")
def show_section(
    run: Run, identity: Annotated[str, typer.Argument(metavar="ID", help="A section's id, or a document's path.")]
) -> None:
    """Show a section, or all sections of a document."""
    from allotment.documents import load_sections

    run.project()
    found = [item for item in load_sections(run.workspace()) if identity in (item.id, item.document)]
    if not found:
        raise ProjectError(
            f"there is no section or document {identity!r}.",
            remedy="See `allotment documents list`, and run `allotment documents ingest` first.",
        )
    text = "\n\n".join(
        f"{item.id}  {item.document} [{item.start}:{item.end}]  {' > '.join(item.heading_path)}\n"
        f"readers: {', '.join(sorted(item.readers))}\n\n{item.text}"
        for item in found
    )
    run.show(found, lambda console: console.print(text, markup=False))
