"""All canaries of a project: planted, found in its documents, found in its tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from allotment.databases import Databases
from allotment.dataset import Item, load_items
from allotment.documents import load_documents, load_sections, readers_now
from allotment.errors import DatasetError
from allotment.evaluation.canaries._detector import Detector
from allotment.evaluation.canaries._documents import Reading, document_candidates, planted_in
from allotment.evaluation.canaries._evidence import Evidence
from allotment.evaluation.canaries._lacking import lacking_in_documents, lacking_in_tables, lacking_of_planted
from allotment.evaluation.canaries._plant import planted_rows
from allotment.evaluation.canaries._rare import is_name
from allotment.evaluation.canaries._rows import row_candidates
from allotment.evaluation.canaries._set import CanarySet, spread
from allotment.evaluation.canaries._tables import ReadTable, read_tables
from allotment.evaluation.canaries._types import Canary
from allotment.project import Project
from allotment.workspace import Workspace

_OFTEN = 3
"""A cell's value that occurs in more texts than these could be said by chance."""


def find_canaries(
    project: Project, workspace: Workspace, databases: Databases | None, *, per_source: int = 6, seed: int = 0
) -> CanarySet:
    """Values that some roles may know and others may not: planted, found in sections, found in cells of tables.

    A value is one only if it occurs in nothing that anybody but its readers may read: section, question of a dataset,
    cell, or name in ``allotment.yaml``.

    Args:
        project: whose documents, accounts and agents.
        workspace: where it was read to.
        databases: started; none looks at documents alone, which is said.
        per_source: at most so many found ones of one document or one column.
        seed: draws which of them.

    Raises:
        ProjectError: no documents have been read yet.
        InputError: the list of planted facts cannot be read.
        DatabaseUnavailable: a database does not answer.
    """
    everybody = frozenset(project.roles)
    records = load_documents(workspace)
    reading = Reading(tuple(load_sections(workspace)), tuple(_items(project, workspace)), readers_now(project, records))
    tables = read_tables(project, databases, seed)
    rows = planted_rows(workspace)
    candidates = [
        *planted_in(rows, reading),
        *document_candidates(reading, everybody, per_source, seed),
        *row_candidates(tables, per_source, seed),
    ]
    known = _known(project, reading, tables, candidates)
    kept = _few(_silent(_only_theirs(candidates, known, everybody)), per_source, seed)
    told = (
        *lacking_of_planted(rows, kept, reading, everybody),
        *lacking_in_documents(project, records, reading, kept),
        *lacking_in_tables(project, databases, tables, kept),
    )
    return CanarySet(tuple(sorted(kept, key=_order)), told)


def _order(canary: Canary) -> tuple[object, ...]:
    return canary.set_name, canary.origin, canary.source, canary.value


def _items(project: Project, workspace: Workspace) -> Iterator[Item]:
    for agent in sorted(project.agents):
        try:
            yield from load_items(workspace, agent)
        except DatasetError:  # none were generated: then nobody learnt any
            continue


def _known(project: Project, reading: Reading, tables: Sequence[ReadTable], candidates: Sequence[Canary]) -> Evidence:
    evidence = Evidence(candidates)
    everybody = frozenset(project.roles)
    for section in reading.sections:
        evidence.read("\n".join((*section.heading_path, section.with_header)), reading.readers_of(section))
    for item in reading.items:
        readers = everybody if item.kind == "general" else reading.readers.get(item.document, frozenset())
        evidence.read(f"{item.question}\n{item.answer}", readers)
    for text in _declared(project):
        evidence.read(text, everybody)
    for table in tables:
        for text, readers in table.texts():
            evidence.read(text, readers, encoded=False)

    return evidence


def _declared(project: Project) -> Iterator[str]:
    """What every user may see of ``allotment.yaml``."""
    yield project.name
    yield from project.roles.values()
    yield from (agent.description for agent in project.agents.values())


def _only_theirs(candidates: Iterable[Canary], known: Evidence, everybody: frozenset[str]) -> Iterator[Canary]:
    """Each with everybody who may know it; without those that all may know, and one for each value."""
    seen: set[str] = set()
    for canary in candidates:
        readers = canary.readers | known.readers[canary.id]
        often = canary.origin == "row" and known.times[canary.id] > _OFTEN
        key = canary.value.casefold()
        if readers != everybody and not often and key not in seen:
            seen.add(key)
            yield replace(canary, readers=frozenset(readers))


def _silent(canaries: Iterable[Canary]) -> list[Canary]:
    """As many as can be without one whose value stands in a question of another; planted ones first, names last."""
    ordered = sorted(canaries, key=lambda canary: (canary.origin != "planted", is_name(canary.value)))
    detector = Detector(ordered)
    kept: dict[str, Canary] = {}
    said: set[str] = set()
    for canary in ordered:
        says = {found.id for found in detector.found(canary.question)}
        if canary.id not in said | says and not says & kept.keys():
            kept[canary.id] = canary
            said |= says
    return list(kept.values())


def _few(canaries: Iterable[Canary], per_source: int, seed: int) -> list[Canary]:
    by_source: dict[tuple[str, str], list[Canary]] = defaultdict(list)
    for canary in canaries:
        by_source[canary.origin, canary.source].append(canary)
    return [
        canary
        for (origin, _), found in by_source.items()
        for canary in (found if origin == "planted" else spread(found, per_source, seed))
    ]
