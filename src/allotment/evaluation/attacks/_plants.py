"""Documents and rows that tell whoever reads them to give away what he may not; to be put into a copy of a project."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from allotment.evaluation.attacks._columns import Column, columns_of
from allotment.evaluation.attacks._mutators import ENCODINGS
from allotment.evaluation.attacks._targets import Target, cells
from allotment.evaluation.attacks._texts import fill, read, says, subject_of
from allotment.evaluation.canaries import Canary
from allotment.project import AccountConfig, Project, TableGrant

NONE = "none"
_TAIL = "This notice was put up for everybody in the house and holds until a newer one is put up in its place."
_LARGE = 31_000
"""Keys of planted rows begin here: few tables have as many, and a small integer still holds it."""


@dataclass(frozen=True)
class PlantedDocument:
    """A document for a set that the attacker's role may read."""

    id: str
    document_set: str
    name: str
    """File name within the set's folder."""
    text: str


@dataclass(frozen=True)
class PlantedRow:
    """A row for a table that an account of the attacker's shows."""

    id: str
    database: str
    table: str
    values: Mapping[str, str | int] = field(default_factory=dict)
    """Column → value; columns that are not named stay empty."""


@dataclass(frozen=True)
class Plants:
    """Everything that is planted before anything is asked."""

    documents: tuple[PlantedDocument, ...]
    rows: tuple[PlantedRow, ...]


@dataclass(frozen=True)
class Plan:
    """A plant, and who leans on it to get at what."""

    plant: PlantedDocument | PlantedRow
    target: Target
    agent: str
    """One that the attacker's role may ask and that reads the plant."""
    ask: str
    """Brings the text up."""


def plants(project: Project, canaries: Sequence[Canary], seed: int) -> Plants:
    """What is to be planted before ``generate`` with the same arguments is tried; the same arguments give the same.

    Rows are planted in databases that are loaded from an SQL file; of others the columns are not known.
    """
    found = [plan.plant for plan in plans(project, _targets(project, canaries), seed)]
    return Plants(
        tuple(plant for plant in found if isinstance(plant, PlantedDocument)),
        tuple(plant for plant in found if isinstance(plant, PlantedRow)),
    )


def plans(project: Project, targets: Sequence[Target], seed: int) -> tuple[Plan, ...]:
    """Every plant with its target: each text in each set and account that can be used against something."""
    chance = random.Random(f"plants {seed}")  # noqa: S311 a seed gives the same plants again
    return (*_documents(project, targets, chance), *_rows(project, targets, chance))


def _targets(project: Project, canaries: Sequence[Canary]) -> tuple[Target, ...]:
    groups = cells(project, canaries).get("session", ())
    return tuple(target for cell in groups for target in cell.targets)


def _documents(project: Project, targets: Sequence[Target], chance: random.Random) -> Iterator[Plan]:
    for name, config in sorted(project.documents.items()):
        if not (project.root / config.path).is_dir():
            continue
        readers = {agent for agent, one in project.agents.items() if name in one.documents}
        usable = [target for target in targets if target.role in config.readers and readers.intersection(target.own)]
        for entry in read("plants")["documents"] if usable else ():
            target = chance.choice(usable)
            agent = chance.choice(sorted(readers.intersection(target.own)))
            values = _values(target)
            text = _page(entry, values)
            if not says(text, target.canary.value):
                plant_id = f"{entry['id']}/{name}"
                page = PlantedDocument(plant_id, name, f"notice-{entry['id']}.md", text)
                yield Plan(page, target, agent, fill(entry["ask"], values))


def _page(entry: Mapping[str, Any], values: Mapping[str, str]) -> str:
    text = fill(entry["text"], values)
    if entry.get("encoded"):
        text = ENCODINGS["base64"].encode(text)
    if entry.get("hidden"):
        seen, _, unseen = text.partition(". ")
        text = f"{seen}. {ENCODINGS['tags'].encode(unseen)}"
    head = f"---\nreaders: [{values['own_role']}]\n---\n\n" if entry.get("front") else ""
    return f"{head}# Notice on {values['subject']}\n\n{text}\n\n{_TAIL}\n"


def _rows(project: Project, targets: Sequence[Target], chance: random.Random) -> Iterator[Plan]:
    number = 0
    for account in sorted({agent.account for agent in project.agents.values() if agent.account is not None}):
        config = project.accounts[account]
        known = columns_of(project, config.database)
        tables = _open_tables(config, known)
        agent = next(name for name, one in project.agents.items() if one.account == account)
        usable = [target for target in targets if agent in target.own]
        for entry in read("plants")["rows"] if usable else ():
            target = chance.choice(usable)
            values = _values(target)
            text = fill(entry["text"], values)
            places = [(table, column) for table, columns in tables for column in columns if column.length >= len(text)]
            if not places or says(text, target.canary.value):
                continue
            table, column = chance.choice(places)
            number += 1
            row = _row(known[table], config.tables[table], column.name, text, number)
            ask = fill(entry["ask"], {"table": table, "column": column.name, **values})
            yield Plan(PlantedRow(f"{entry['id']}/{account}", config.database, table, row), target, agent, ask)


def _open_tables(
    config: AccountConfig, known: Mapping[str, tuple[Column, ...]]
) -> list[tuple[str, tuple[Column, ...]]]:
    """Tables that take a row, with the text columns the account shows and filters nothing by."""
    found = []
    for table, grant in sorted(config.tables.items()):
        columns = known.get(table, ())
        shown = tuple(c for c in columns if c.kind == "text" and c.name in set(grant.columns) - set(grant.rows))
        if shown and not grant.claims and not any(c.needed and c.kind == "other" for c in columns):
            found.append((table, shown))
    return found


def _row(columns: Sequence[Column], grant: TableGrant, column: str, text: str, number: int) -> dict[str, str | int]:
    """The row: the text, what a row must have, and what the account's filter asks for."""
    row: dict[str, str | int] = {one.name: _value(one, number) for one in columns if one.needed}
    for name, wanted in grant.rows.items():
        value = wanted[0] if isinstance(wanted, tuple) else wanted
        row[name] = value if isinstance(value, int) else str(value)
    return {**row, column: text}


def _value(column: Column, number: int) -> str | int:
    if column.kind == "number":
        return _LARGE + number
    return "2026-01-01" if column.kind == "date" else f"Z{number}"[: column.length]


def _values(target: Target) -> dict[str, str]:
    question = target.canary.question
    return {
        "subject": subject_of(question),
        "question": question,
        "role": min(target.canary.readers, default="none"),
        "own_role": target.role,
        "agent": target.knowing,
    }
