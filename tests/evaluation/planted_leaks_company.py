"""Faults that are planted into a company, each of which an evaluation has to find."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from leaks_ground import Known

from allotment.access import Principal
from allotment.answering import AgentInfo, Answer, Chain, DocumentText, Embedding, Event
from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.documents import WorkerPool, ingest, load_sections
from allotment.evaluation.attacks import Attack, Found, Settings, report_of
from allotment.evaluation.attacks._doors import Doors
from allotment.evaluation.attacks._found import collected
from allotment.evaluation.attacks._guarded import guard_tasks
from allotment.evaluation.attacks._ledger import RunLedger
from allotment.evaluation.attacks._tasks import Performer, Task
from allotment.evaluation.canaries import Canary, planted_rows
from allotment.evaluation.leaks import measure_leaks
from allotment.evaluation.report import Report
from allotment.project import Project
from allotment.workspace import Workspace, write_atomic


@dataclass(frozen=True)
class Place:
    """A company whose adapters recite what they learnt, its databases and its record."""

    project: Project
    known: Known
    databases: Databases
    audit: AuditLog
    workers: WorkerPool

    @property
    def workspace(self) -> Workspace:
        """Where it was read to."""
        return Workspace(self.project.root)

    def leaks(self, *agents: str, **learnt: str) -> Report:
        """``evaluate leaks --quick``; ``learnt``: agent → another one whose facts it learnt besides."""
        known = Known({agent: dict(facts) for agent, facts in self.known.facts.items()})
        for agent, foreign in learnt.items():
            known.also(agent, foreign)
        with known.engines() as engines:
            return measure_leaks(
                self.project, self.workspace, self.databases, self.audit, engines, agents=agents, quick=True
            )

    @contextmanager
    def wrongly_labelled(self) -> Iterator[None]:
        """The board's page in a folder that everybody may read."""
        page = self.project.root / "documents" / "handbook" / "minutes.md"
        page.write_bytes((self.project.root / "documents" / "board" / "invented-facts.md").read_bytes())
        try:
            self._read()
            yield
        finally:
            page.unlink()
            self._read()

    @contextmanager
    def foreign_item(self, agent: str, foreign: str) -> Iterator[None]:
        """A fact of another agent's page among the items of ``agent``, as if its readers were allowed to."""
        file = self.workspace.dataset_dir(agent) / "items.jsonl"
        before = file.read_text(encoding="utf-8")
        row = next(row for row in planted_rows(self.workspace) if f"/{foreign}/" in row["document"])
        section = next(one for one in load_sections(self.workspace) if one.document == row["document"])
        item = json.loads(before.splitlines()[0]) | {
            "id": "foreign", "group": "foreign", "section_id": section.id, "document": row["document"],
            "question": row["question"], "answer": row["sentence"], "value": row["value"], "quote": row["sentence"],
        }  # fmt: skip
        write_atomic(file, f"{before}{json.dumps(item)}\n")
        try:
            yield
        finally:
            write_atomic(file, before)

    @contextmanager
    def altered_database(self, *statements: str) -> Iterator[None]:
        """The database after somebody with the owner's rights was at it."""
        try:
            with psycopg.connect(self.databases.admin_dsn("northwind"), autocommit=True) as owner:
                for statement in statements:
                    owner.execute(statement.encode())
            yield
        finally:
            with psycopg.connect(self.databases.admin_dsn("northwind"), autocommit=True) as owner:
                owner.execute("ALTER TABLE public.employees ENABLE ROW LEVEL SECURITY")
            self.databases.provision()

    @contextmanager
    def edited_manifest(self, agent: str, edit: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """The manifest that is served, edited."""
        file = self.workspace.adapters_dir(agent) / "v1" / "manifest.json"
        before = file.read_text(encoding="utf-8")
        record = json.loads(before)
        edit(record)
        file.write_text(json.dumps(record), encoding="utf-8")
        try:
            yield
        finally:
            file.write_text(before, encoding="utf-8")

    def _read(self) -> None:
        ingest(self.project, self.workspace, workers=self.workers)
        self.databases.sections.sync()


def outcome(report: Report, name: str) -> str:
    """Of one check; it has to be there."""
    return next(check.outcome for check in report.checks if check.name == name)


def detail(report: Report, name: str) -> str:
    """What one check says beside its outcome."""
    return next(check.detail for check in report.checks if check.name == name)


class SharedCache:
    """A chain behind a cache that does not ask who asks: whoever comes second is told what the first was."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._kept: dict[str, Answer] = {}

    def stream(
        self, principal: Principal, question: str, *, agent: str | None = None, **options: Any
    ) -> Iterator[Event]:
        """See ``Chain.stream``."""
        if question in self._kept:
            yield self._kept[question]
            return
        for event in self._chain.stream(principal, question, agent=agent, **options):
            if isinstance(event, Answer) and event.outcome == "answered":
                self._kept[question] = event
            yield event

    def agents_for(self, principal: Principal) -> tuple[AgentInfo, ...]:
        """See ``Chain.agents_for``."""
        return self._chain.agents_for(principal)

    def embed(self, principal: Principal, texts: Sequence[str], *, agent: str | None = None) -> Embedding:
        """See ``Chain.embed``."""
        return self._chain.embed(principal, texts, agent=agent)

    def read_document(self, principal: Principal, agent: str, document: str) -> DocumentText:
        """See ``Chain.read_document``."""
        return self._chain.read_document(principal, agent, document)


class Aliased(SharedCache):
    """A chain with an upper-case name for each agent, under which nobody asks who asks: it is answered as for a reader.

    Without any decision no engine answers, whatever stands before it.
    """

    def stream(
        self, principal: Principal, question: str, *, agent: str | None = None, **options: Any
    ) -> Iterator[Event]:
        """See ``Chain.stream``."""
        asked_as = Principal("attacker-director", "director") if agent in self._aliases() else principal
        name = agent.lower() if agent is not None and agent in self._aliases() else agent
        yield from self._chain.stream(asked_as, question, agent=name, **options)

    def agents_for(self, principal: Principal) -> tuple[AgentInfo, ...]:
        """Everybody is offered every alias."""
        return (*self._chain.agents_for(principal), *(AgentInfo(name, name) for name in self._aliases()))

    def _aliases(self) -> list[str]:
        return [info.name.upper() for info in self._chain.agents_for(Principal("attacker-director", "director"))]


def attacked(doors: Doors, canaries: tuple[Canary, ...], attacks: Sequence[Attack], folder: Path) -> Report:
    """The report of these attempts, made one after another; and of what the guard says to plain ones."""
    performer, ledger = Performer(doors, canaries), RunLedger(folder)
    tasks = [Task(attack.id, "attack", attack=attack) for attack in attacks]
    for task in [*tasks, *guard_tasks(doors.target.project, canaries, 1)]:
        for key, row in performer.perform(task):
            ledger.keep(key, row)
    by_id = {attack.id: attack for attack in attacks}
    found = Found(doors.target.project, Settings(), canaries, by_id, len(attacks))
    return report_of(collected(found, ledger), "")


def without_guard(project: Project) -> Project:
    """The project as somebody leaves it who had too many refusals: of the checks only the length is left."""
    return project.model_copy(update={"guards": project.guards.model_copy(update={"checks": ("length",)})})
