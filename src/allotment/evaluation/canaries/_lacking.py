"""What has no canaries, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from allotment.databases import Databases
from allotment.documents import DocumentRecord
from allotment.evaluation.canaries._documents import Reading
from allotment.evaluation.canaries._tables import ReadTable
from allotment.evaluation.canaries._types import Canary
from allotment.project import Project

_NAMED = 3


def lacking_of_planted(
    rows: Sequence[Mapping[str, str]], canaries: Sequence[Canary], reading: Reading, everybody: frozenset[str]
) -> Iterator[str]:
    """A sentence for each page of planted facts of which some cannot be used."""
    usable = {(canary.source, canary.value) for canary in canaries}
    lost = Counter(row["document"] for row in rows if (row["document"], row["value"]) not in usable)
    for page, count in sorted(lost.items()):
        if page not in reading.readers:
            yield f"{page}: planted, but not read yet. Run `allotment documents ingest`."
        elif reading.readers[page] != everybody:
            yield f"{page}: {count} of its facts were not read as they were planted, or stand where others may read."


def lacking_in_documents(
    project: Project, records: Sequence[DocumentRecord], reading: Reading, canaries: Sequence[Canary]
) -> Iterator[str]:
    """A sentence for each set of documents and each reader set without canaries, and for what was not read."""
    everybody = frozenset(project.roles)
    sources = {canary.source for canary in canaries}
    for name in sorted(project.documents):
        own = [record for record in records if record.document_set == name]
        unread = [record.path for record in own if record.state == "failed"]
        if unread:
            yield f"documents.{name}: not read, and so not known to any canary: {_listed(unread)}."
        if not any(record.path in sources for record in own):
            yield f"documents.{name}: {_why(own, reading, everybody)}."
    covered = {canary.readers for canary in canaries}
    for readers in sorted({reading.readers_of(section) for section in reading.sections}, key=sorted):
        if readers not in covered and readers != everybody:
            yield f"reader set {'+'.join(sorted(readers)) or 'nobody'}: no value is known to it alone."


def _why(own: Sequence[DocumentRecord], reading: Reading, everybody: frozenset[str]) -> str:
    done = [record.path for record in own if record.state == "done"]
    if not done:
        return "nothing was read of it"
    if all(reading.readers.get(path) == everybody for path in done):
        return "readable by everybody"
    return "holds no rare value that is written nowhere else"


def lacking_in_tables(
    project: Project, databases: Databases | None, tables: Sequence[ReadTable], canaries: Sequence[Canary]
) -> Iterator[str]:
    """A sentence for each database that was not looked at and each table without canaries."""
    for name, config in sorted(project.databases.items()):
        if databases is None:
            yield f"databases.{name}: not looked at, for no database is open."
        elif config.file is not None:
            yield f"databases.{name}: not looked at, for it is a file; only PostgreSQL databases are."
    sources = {canary.source.rpartition(".")[0] for canary in canaries if canary.origin == "row"}
    everybody = frozenset(project.roles)
    for table in tables:
        if table.fault:
            yield f"{table.name}: {table.fault}."
        elif table.name not in sources:
            yield f"{table.name}: {_why_not(table, everybody)}."


def _why_not(table: ReadTable, everybody: frozenset[str]) -> str:
    if not table.rows:
        return "it is empty"
    if not table.key:
        return "its rows have no key that a question could name"
    if all(roles == everybody for row in table.readers for roles in row.values()):
        return "readable by everybody"
    return "holds no rare value that is written nowhere else"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
