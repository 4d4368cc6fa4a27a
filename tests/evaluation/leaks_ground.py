"""What the tests of leaks share: the example with planted facts, adapters nobody trained, and an engine that is told
what each agent knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.dataset import Item
from allotment.dataset._items import item_row
from allotment.documents import WorkerPool, ingest, load_sections
from allotment.errors import EngineError
from allotment.evaluation.canaries import plant, planted_rows
from allotment.models import AdapterFile, Completion, Engines, Message
from allotment.project import Project
from allotment.workspace import Workspace, write_atomic
from project_copy import copy_project
from sealed_adapter import seal

OF_AGENT = {"handbook": "handbook", "sales": "sales", "warehouse": "warehouse", "board": "board"}
"""Agent → the set of documents it learns."""


@dataclass
class Known:
    """What every agent says: question → answer. ``dies_after``: so many answers and the engine is gone."""

    facts: dict[str, dict[str, str]]
    dies_after: int | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)

    def engines(self) -> Engines:
        """Engines whose models say these answers."""
        return Engines(1, load=lambda model, adapters: _Engine(model, adapters, self))

    def also(self, agent: str, foreign: str) -> None:
        """Let an agent know what another one learnt, as if it had been trained on it."""
        self.facts[agent] |= self.facts[foreign]


class _Engine:
    """Says what is known to the agent whose adapter is asked for; everything else it does not know."""

    def __init__(self, model: str, adapters: Mapping[str, AdapterFile], known: Known) -> None:
        self.name = model
        self.adapters = {key: file.sha256 for key, file in adapters.items()}
        self._known = known

    def complete(self, messages: Sequence[Message], *, adapter: str | None = None, **options: Any) -> Completion:
        known = self._known
        if known.dies_after is not None and len(known.asked) >= known.dies_after:
            raise EngineError("the engine is gone.", element=self.name)
        question, agent = messages[-1].content, (adapter or "").partition("/")[0]
        known.asked.append((agent, question))
        text = known.facts.get(agent, {}).get(question, "I do not know.")
        return Completion(text, 10, 5, "stop")

    def stream(self, messages: Sequence[Message], **options: Any) -> Iterator[str]:
        yield self.complete(messages, **options).text

    def close(self) -> None:
        """Nothing is held."""


def teach(project: Project) -> Known:
    """Items and answers of every agent from the facts planted in its documents."""
    workspace = Workspace(project.root)
    sections = {section.document: section for section in load_sections(workspace)}
    facts: dict[str, dict[str, str]] = {}
    for agent, name in OF_AGENT.items():
        rows = [row for row in planted_rows(workspace) if row["document"].startswith(f"documents/{name}/")]
        facts[agent] = {row["question"]: row["sentence"] for row in rows}
        items = [_item(agent, row, sections[row["document"]].id, project) for row in rows]
        lines = "".join(json.dumps(item_row(item)) + "\n" for item in items)
        write_atomic(workspace.dataset_dir(agent) / "items.jsonl", lines)
    return Known(facts)


def _item(agent: str, row: Mapping[str, str], section: str, project: Project) -> Item:
    readers = project.readers_of(OF_AGENT[agent])
    text = (row["document"], row["question"], row["sentence"], row["value"], "en")
    return Item(f"{agent}-{row['value']}", row["value"], agent, section, *text, readers, "train", quote=row["sentence"])


@contextmanager
def taught_company(
    taught: Project, root: Path, workers: WorkerPool, *, facts: int = 4
) -> Iterator[tuple[Project, Known, Databases, AuditLog]]:
    """A copy in which every agent has a sealed adapter and learnt ``facts`` planted facts, opened."""
    project = copy_project(taught, root, "adapters")
    workspace = Workspace(project.root)
    plant(project, workspace, facts=facts, seed=7)
    ingest(project, workspace, workers=workers)
    known = teach(project)
    for agent in OF_AGENT:
        seal(project, workspace, agent)
    with opened(project) as (databases, audit):
        yield project, known, databases, audit


@contextmanager
def opened(project: Project) -> Iterator[tuple[Databases, AuditLog]]:
    """The project's databases, provisioned, and its record."""
    workspace = Workspace(project.root)
    with Databases(project, workspace) as databases:
        databases.provision()
        with AuditLog.of(project, workspace, databases.state_dsn) as audit:
            audit.migrate(databases.admin_dsn())
            yield databases, audit


Changed = Callable[[Path], None]
