"""Ask the teacher, write every answer into the ledger, then make the dataset from the ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from allotment.dataset._assemble import Assembled, Verdicts, assemble
from allotment.dataset._budget import Budget
from allotment.dataset._checks import Draft
from allotment.dataset._embedders import ServerEmbedder
from allotment.dataset._items import save_reviewed
from allotment.dataset._judging import Judging
from allotment.dataset._outcomes import SectionWork, is_done
from allotment.dataset._parse import Parsed, parse
from allotment.dataset._requests import TEMPERATURE, Asker, Request
from allotment.dataset._selection import agent_config, select_sections
from allotment.dataset._teacher import Teacher, close
from allotment.dataset._types import DatasetStats
from allotment.documents import Section, load_sections
from allotment.errors import DatasetError
from allotment.models import Answer, Ask, Failure, price_of
from allotment.project import Project
from allotment.workspace import Ledger, Workspace

Progress = Callable[[str, int, int], None]
_KEPT_CHARACTERS = 2000
"""Of a text that could not be read, for whoever looks for the cause."""
_SYNC_EVERY_S = 1.0
"""Rows reach the file at once, and the disk at least this often: a killed process loses none."""


@dataclass(frozen=True)
class Material:
    """What an agent's dataset is made from, and how it is asked about."""

    agent: str
    sections: list[Section]
    asker: Asker
    roles: frozenset[str]


def material_of(project: Project, workspace: Workspace, agent: str, teacher: str = "") -> Material:
    """Sections the agent may learn, and the asker of its requests. Personas are its own roles and no others.

    Raises:
        ProjectError: no such agent, or nothing ingested.
        DatasetError: the agent has no section to learn.
    """
    roles = agent_config(project, agent).roles
    sections = select_sections(project, agent, load_sections(workspace))
    if not sections:
        remedy = "Add documents to its sets, then run `allotment documents ingest`."
        raise DatasetError("there is no section that all its roles may read.", element=f"agents.{agent}", remedy=remedy)
    personas = tuple(project.roles[role] for role in sorted(roles) if project.roles[role])
    return Material(agent, sections, Asker(project.dataset, teacher or project.models.teacher, personas), roles)


def ledger_of(workspace: Workspace, agent: str) -> Ledger:
    """The agent's ledger of answers."""
    return Ledger(workspace.dataset_dir(agent) / "ledger.jsonl")


def generate(
    project: Project,
    workspace: Workspace,
    agent: str,
    teacher: Teacher | None,
    progress: Progress | None = None,
    *,
    judge: Teacher | None = None,
    max_cost_usd: float | None = None,
    batch: bool = False,
) -> DatasetStats:
    """Make the agent's dataset; what the ledger already holds is not asked again.

    Args:
        teacher: the model that words questions, closed at the end; none where the ledger is full.
        progress: called with what is done, requests finished and requests in all.
        judge: the model ``dataset.judge`` names; none asks nobody, and pairs it has not judged yet are refused.
        max_cost_usd: most that this run may spend; requests beyond it are not sent.
        batch: whether prices are those of a batch endpoint.

    Raises:
        ProjectError: no such agent, nothing ingested, another command makes this dataset, or a limit of cost for a
            model whose price is not known.
        DatasetError: the agent has no section to learn, there is something to ask and no teacher, or the limit of
            cost was reached; what was paid for is kept.
        EngineError: the teacher is not there, or refuses every request.
    """
    material = material_of(project, workspace, agent, teacher.name if teacher else "")
    budget = budget_of(project, material.asker.teacher, max_cost_usd, batch=batch)
    with workspace.lock(f"dataset-{agent}"):
        ledger = ledger_of(workspace, agent)
        asking = Asking(ledger, teacher, budget, progress)
        judging = Judging(project.dataset.judge, judge, ledger)
        verdicts = asyncio.run(_ask_all(material, asking, judging))
        if budget.stopped:
            raise _out_of_money(budget, max_cost_usd)
        made = _assembled(material, ledger, verdicts)
        return save_reviewed(workspace, agent, made.items, made.stats)


def _assembled(material: Material, ledger: Ledger, verdicts: Verdicts) -> Assembled:
    """The dataset of what is in the ledger, with duplicates found by the embeddings the project names."""
    asker, named = material.asker, material.asker.config.embeddings
    embedder = ServerEmbedder(named) if named else None
    try:
        return assemble(material.agent, material.sections, asker, ledger.rows, material.roles, verdicts, embedder)
    finally:
        if embedder is not None:
            embedder.close()


async def _ask_all(material: Material, asking: Asking, judging: Judging) -> Verdicts:
    """Everything in one event loop, to which the clients belong; they are closed at its end."""
    try:
        await ask_everything(material, asking)
        return await judging.verdicts(material, asking)
    finally:
        await asking.aclose()
        await judging.aclose()


def budget_of(project: Project, model: str, max_cost_usd: float | None, *, batch: bool = False) -> Budget:
    """The budget of a run.

    Raises:
        DatasetError: there is a limit, and no price to hold against it.
    """
    price = price_of(model, project.models)
    if max_cost_usd is not None and price is None:
        raise DatasetError(
            "there is a limit of cost, but no price is known for this model.",
            element=model,
            remedy="Write it under models.prices in allotment.yaml: {input: USD, output: USD}, for a million tokens.",
        )
    return Budget(max_cost_usd, price, batch=batch)


async def ask_everything(material: Material, asking: Asking) -> None:
    """Every round, then second tries of what did not come, then facts backwards."""
    works = [SectionWork(section, material.asker, asking.ledger.rows) for section in material.sections]
    for number in range(material.asker.config.rounds):
        await asking.ask(
            f"round {number + 1}", [(work, request) for work in works for request in work.asked_in(number)]
        )
    works = [SectionWork(section, material.asker, asking.ledger.rows) for section in material.sections]
    await asking.ask("second tries", [(work, request) for work in works for request in work.second_tries()])
    works = [SectionWork(section, material.asker, asking.ledger.rows) for section in material.sections]
    await asking.ask("backwards", [(work, request) for work in works for request in work.backwards_requests()])


class Asking:
    """Sends requests that have no terminal state yet, and writes each answer down as it comes."""

    def __init__(self, ledger: Ledger, teacher: Teacher | None, budget: Budget, progress: Progress | None) -> None:
        self.ledger = ledger
        self.budget = budget
        self._teacher = teacher
        self._progress = progress
        self._synced = time.monotonic()

    async def aclose(self) -> None:
        """Close the teacher's connections."""
        await close(self._teacher)

    async def ask(self, label: str, wanted: Sequence[tuple[SectionWork, Request]]) -> None:
        """Ask what is missing of one stage.

        Raises:
            DatasetError: something is missing and there is no teacher.
        """
        once = {request.key: (work, request) for work, request in wanted}
        out: frozenset[str] = getattr(self._teacher, "held", frozenset())  # of a batch that was left
        waiting = {key: pair for key, pair in once.items() if key in out or not is_done(self.ledger.rows, pair[1])}
        if self._progress is not None and once:
            self._progress(f"{label}{self.budget.told}", len(once) - len(waiting), len(once))
        if not waiting or self.budget.stopped:
            return
        for key in out & waiting.keys():
            self.budget.commit(key)  # it was paid for when it was submitted
        asks = (_ask(work, request) for work, request in waiting.values())
        requests = {key: request for key, (_, request) in waiting.items()}
        await self.answer(label, asks, lambda ask, found: _row(requests[ask.key], found), len(once), len(waiting))

    async def answer(
        self,
        label: str,
        asks: Iterable[Ask],
        row_of: Callable[[Ask, Answer | Failure], dict[str, Any]],
        total: int,
        waiting: int,
        teacher: Teacher | None = None,
    ) -> None:
        """Answer ``asks`` and write the row of each."""
        answerer = teacher or self._teacher
        if answerer is None:
            raise DatasetError(
                f"{waiting} requests are not answered yet.",
                element="teacher",
                remedy="Name the teacher that is asked.",
            )
        done = total - waiting
        answers, clock = answerer.run(self._affordable(asks)), _Clock()
        try:
            async for ask, found in answers:
                self._book(ask, found)
                self._write(ask.key, row_of(ask, found) | clock.lap())
                done += 1
                if self._progress is not None:
                    self._progress(f"{label}{self.budget.told}", done, total)
        finally:
            await close(answers)
            self.ledger.sync()

    def _affordable(self, asks: Iterable[Ask]) -> Iterator[Ask]:
        for ask in asks:
            if not self.budget.take(ask):
                return
            yield ask

    def _book(self, ask: Ask, found: Answer | Failure) -> None:
        if isinstance(found, Answer):
            self.budget.settle(ask, found.prompt_tokens, found.completion_tokens)
        else:
            self.budget.fail(ask, found.reason)

    def _write(self, key: str, row: dict[str, Any]) -> None:
        due = time.monotonic() - self._synced >= _SYNC_EVERY_S
        self.ledger.append(key, row, sync=due)
        if due:
            self._synced = time.monotonic()


class _Clock:
    """How long the run takes for each answer, whatever the number in flight: the time since the one before."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def lap(self) -> dict[str, float]:
        """Seconds of wall time that this answer took of the run."""
        before, self._last = self._last, time.monotonic()
        return {"wall_s": round(self._last - before, 4)}


def _ask(work: SectionWork, request: Request) -> Ask:
    free = request.form is None and not request.given
    return Ask(
        request.key,
        request.messages(work.covered_before(request) if free else ()),
        max_tokens=request.max_tokens,
        temperature=TEMPERATURE,
        seed=request.seed,
        schema=request.schema,
    )


def _row(request: Request, found: Answer | Failure) -> dict[str, Any]:
    """The terminal state of one request. Whatever the teacher does ends in a row."""
    row: dict[str, Any] = {"section": request.section.id, "kind": request.kind, "round": request.round}
    row["asked"] = request.asked
    if isinstance(found, Failure):
        failed: dict[str, Any] = {"state": "failed", "reason": found.reason, "detail": found.detail[:500], "drafts": []}
        return row | failed | {"seconds": round(found.seconds, 3)}
    parsed = parse(found.text, request)
    if found.finish == "length" and found.repaired:  # what was mended at the end is no entry
        parsed = Parsed(parsed.drafts[:-1], "cut-off")
    reason = "cut-off" if found.finish == "length" and (parsed.failure or request.form) else parsed.failure
    return row | {
        "state": "failed" if reason else "done",
        "reason": reason,
        "detail": found.text[:_KEPT_CHARACTERS] if reason else "",
        "drafts": [asdict(draft) if isinstance(draft, Draft) else draft for draft in parsed.drafts],
        "prompt_tokens": found.prompt_tokens,
        "completion_tokens": found.completion_tokens,
        "seconds": round(found.seconds, 3),
    }


def _out_of_money(budget: Budget, limit: float | None) -> DatasetError:
    return DatasetError(
        f"stopped after {budget.spent_usd:.4f} USD: the next request could have gone beyond {limit} USD.",
        element="--max-cost",
        remedy="What was paid for is kept. Raise --max-cost, or lower dataset.questions, rounds or paraphrases.",
    )
