"""``allotment documents``: every declared document read into sections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from allotment.cli._app import command, group
from allotment.cli._names import agent_of
from allotment.cli._open import open_state
from allotment.cli._run import Run, print_table
from allotment.errors import ProjectError

if TYPE_CHECKING:
    from rich.console import Console

    from allotment.documents import DocumentRecord, IngestReport, Section

documents = group("documents", "Documents, read into sections with their readers.")
_NAMED = 10
"""So many failed documents are named by ``ingest`` itself; ``list`` names all."""


@command(documents, "ingest")
def ingest_documents(run: Run) -> int:
    """Read all declared documents into sections.

    Unchanged ones are not read again; new rules about readers label them anew. Exit code 1 where some could not be
    read; the others are done and kept.
    """
    from allotment.documents import ingest, load_documents

    project, workspace = run.project(), run.workspace()
    with run.progress() as progress:
        report = ingest(project, workspace, progress)
    failed = [record for record in load_documents(workspace) if record.state == "failed"] if report.failed else []
    run.show(report, lambda console: _print_report(console, report, failed))
    return 1 if report.failed else 0


def _print_report(console: Console, report: IngestReport, failed: Sequence[DocumentRecord]) -> None:
    console.print(
        f"{report.done} read ({report.unchanged} unchanged), {report.skipped} skipped, {report.failed} failed;"
        f" {report.sections} sections"
    )
    noticed = {
        "with other readers than before": report.relabelled,
        "renamed": report.renamed,
        "removed": report.removed,
        "pieces of personal data replaced": report.replaced,
    }
    told = [f"{count} {what}" for what, count in noticed.items() if count]
    if told:
        console.print("; ".join(told))
    for record in failed[:_NAMED]:
        console.print(f"failed: {record.path} {record.reason}", markup=False)
    if len(failed) > _NAMED:
        console.print(f"and {len(failed) - _NAMED} more: see `allotment documents list`")


@command(documents, "list")
def list_documents(run: Run) -> None:
    """List the documents: state, sections, readers."""
    from allotment.documents import load_documents

    run.project()
    records = load_documents(run.workspace())
    rows = [
        (item.path, item.document_set, item.state, item.sections, ", ".join(sorted(item.readers)), _remarks(item))
        for item in records
    ]
    columns = ("document", "set", "state", "sections", "readers", "remarks")
    run.show_table(columns, rows, [_row(record) for record in records], "No document was found.")


@command(documents, "show")
def show_document(
    run: Run, identity: Annotated[str, typer.Argument(metavar="ID", help="A section's id, or a document's path.")]
) -> None:
    """Show a document: who may read it and why, and its sections; or one section."""
    from allotment.documents import iterate_sections, load_documents

    run.project()
    workspace = run.workspace()
    records = {record.path: record for record in load_documents(workspace)}
    path = identity if identity in records else None
    found = [item for item in iterate_sections(workspace, path) if path or item.id == identity]
    record = records.get(path or (found[0].document if found else ""))
    if record is None:
        raise ProjectError(
            f"there is no section or document {identity!r}.",
            remedy="See `allotment documents list`, and run `allotment documents ingest` first.",
        )
    value = {"document": _row(record), "sections": found}
    run.show(value, lambda console: _print_document(console, record, found))


@command(documents, "search")
def search_documents(
    run: Run,
    words: Annotated[str, typer.Argument(metavar="WORDS", help="A question, or words, in any language.")],
    agent: Annotated[str, typer.Option(help="The agent whose search account is used.")],
    user: Annotated[str | None, typer.Option(help="Search as this user; none searches as a role it serves.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="How many sections.")] = 5,
) -> None:
    """Search the sections that all roles of an agent may read.

    On the agent's own search account; authorized and recorded like every question. Documents that were read since the
    last search are brought into the database first.
    """
    from allotment.access import Policy, Principal, Request
    from allotment.audit import authorize

    project = run.project()
    roles = project.agents[agent_of(project, agent)].roles
    with open_state(project, run.workspace()) as state:
        asking = state.principal(user) if user else Principal("command-line", min(roles))
        grant = authorize(state.audit, Policy.of(project), asking, Request(agent, search=True), question=words)
        hits = state.databases.sections.search(grant, words, limit=limit)
    rows = [(f"{hit.coverage:.2f}", hit.document, hit.heading, hit.quote) for hit in hits]
    run.show_table(("covers", "document", "heading", "sentence"), rows, hits, "No section has any of these words.")


def _remarks(record: DocumentRecord) -> str:
    return "; ".join(part for part in (record.reason, *record.notes) if part)


def _row(record: DocumentRecord) -> dict[str, Any]:
    """A record as JSON; where its rows lie is of no use to anybody."""
    return {
        "path": record.path,
        "document_set": record.document_set,
        "state": record.state,
        "reason": record.reason,
        "sha256": record.sha256,
        "readers": sorted(record.readers),
        "labels": record.labels,
        "sections": record.sections,
        "replaced": record.replaced,
        "notes": record.notes,
    }


def _print_document(console: Console, record: DocumentRecord, sections: Sequence[Section]) -> None:
    console.print(f"{record.path}: {record.state}{', ' + record.reason if record.reason else ''}", markup=False)
    if record.labels:
        console.print(f"readers: {', '.join(sorted(record.readers))}, from\n", markup=False)
        labels = [(label.origin, ", ".join(sorted(label.readers))) for label in record.labels]
        print_table(console, ("rule", "allows"), labels, "")
    for note in record.notes:
        console.print(f"note: {note}", markup=False)
    if record.replaced:
        console.print("\nPersonal data replaced:")
        rows = [(item.kind, item.pseudonym, item.count) for item in record.replaced]
        print_table(console, ("kind", "pseudonym", "times"), rows, "")
    for section in sections:
        console.print(f"\n{_heading(section)}\n\n{section.with_header}", markup=False)


def _heading(section: Section) -> str:
    place = section.place
    where = f", {place.unit} {_span(place.first, place.last)}" if place else ""
    span = f"[{section.start}:{section.end}]{where}, {section.tokens} tokens, {section.language}"
    return f"{section.id}  {span}  {' > '.join(section.heading_path)}"


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} to {last}"
