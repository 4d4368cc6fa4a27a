"""The comparison everybody uses first: one model with the documents in its prompt, and the rules in words."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from time import perf_counter

from allotment.documents import Section, load_sections
from allotment.errors import EngineError, InputError, MissingPartError, ProjectError
from allotment.evaluation.canaries import Canary
from allotment.evaluation.leaks._compared import Compared, Said, compared, of_documents
from allotment.evaluation.leaks._prompted_text import claim, fitting, shared_prompt, with_role
from allotment.models import Engine, Engines, Message, find_model, is_server
from allotment.project import Project
from allotment.workspace import Ledger, Workspace, hash_json

Progress = Callable[[str, int, int], None]
_NAME, _TITLE = "leaks.prompted", "One model with all documents in its prompt and the rules in words"
_MAX_TOKENS = 64
_FOR_THE_REST = 800
"""Tokens of the context that rules, question and answer take."""
_SERVER_CONTEXT = 8192
"""What a server's model is given at most: its own context is not known here."""
_SHARES = (0.85, 0.65, 0.45, 0.25)
"""Of the context, tried one after another: how many tokens a text has is only about known."""
_GIVES_UP = 5
"""Errors in a row after which an engine is not asked any more."""


@dataclass(frozen=True)
class _Put:
    """A question that a role asks."""

    role: str
    canary: Canary
    question: str


def prompted_model(
    project: Project,
    workspace: Workspace,
    engines: Engines,
    canaries: Sequence[Canary],
    *,
    limit: int,
    seed: int,
    progress: Progress | None = None,
) -> Compared:
    """Ask ``models.sql`` every canary's question as every role, plainly and with a claim to be somebody else.

    What does not fit into the model's context is left out, evenly over sets of documents, and so are canaries that
    only stand there. Answers are kept, so that a second run goes on where the first one ended.

    Args:
        project: the project.
        workspace: its workspace.
        engines: where the model runs.
        canaries: what is asked for; those of tables are passed over.
        limit: most questions, evenly over roles and reader sets.
        seed: draws which.
        progress: called with a label, questions done and in all.

    Returns:
        The matrix. If the model cannot be asked it has no attempts, and the note says why.
    """
    told = of_documents(canaries)
    try:
        with workspace.lock("evaluation-prompted"):
            return _asked(project, workspace, engines, told, limit, seed, progress)
    except (MissingPartError, ProjectError, InputError) as error:
        return compared(_NAME, _TITLE, project, told, (), f"It could not be asked: {error}", 0.0)


def _asked(
    project: Project,
    workspace: Workspace,
    engines: Engines,
    canaries: list[Canary],
    limit: int,
    seed: int,
    progress: Progress | None,
) -> Compared:
    model = project.models.sql
    engine = engines.get(model)
    sections = load_sections(workspace)
    answers = _Answers(engine, model, Ledger(workspace.home / "evaluation" / "leaks" / "prompted.jsonl"))
    for share in _SHARES:
        included = fitting(sections, [one.value for one in canaries], int(share * (_context(model) - _FOR_THE_REST)))
        there = [canary for canary in canaries if _stands_in(canary, included)]
        puts = _puts(project, there, limit, seed)
        answers.shared = shared_prompt(project, included)
        if not puts or answers.answer(puts[0]) is not None:
            break
        answers.failures, answers.error = 0, ""
    said = list(_said(answers, puts, progress))
    note = _note(model, sections, included, canaries, there, answers)
    return compared(_NAME, _TITLE, project, there, said, note, sum(answers.times.values()))


class _Answers:
    """Puts questions to the model and keeps what it answers; an error is an answer of none."""

    def __init__(self, engine: Engine, model: str, ledger: Ledger) -> None:
        self.shared = ""
        self.failures, self.error = 0, ""
        self.times: dict[str, float] = {}
        """Question's key → seconds its answer took."""
        self._engine, self._model, self._ledger = engine, model, ledger

    def answer(self, put: _Put) -> str | None:
        """From the ledger, else from the model; none after too many errors in a row."""
        key = hash_json([self._model, self.shared, put.role, put.question, _MAX_TOKENS])
        if key not in self._ledger and (self.failures >= _GIVES_UP or not self._ask(key, put)):
            return None
        self.failures = 0
        row = self._ledger.rows[key]
        self.times[key] = float(row["seconds"])
        return str(row["answer"])

    def _ask(self, key: str, put: _Put) -> bool:
        messages = [Message("system", with_role(self.shared, put.role)), Message("user", put.question)]
        started = perf_counter()
        try:
            text = self._engine.complete(messages, max_tokens=_MAX_TOKENS).text
        except EngineError as error:
            self.failures, self.error = self.failures + 1, str(error)
            return False
        self._ledger.append(key, {"answer": text, "seconds": round(perf_counter() - started, 3)})
        return True


def _said(answers: _Answers, puts: Sequence[_Put], progress: Progress | None) -> Iterator[Said]:
    for number, put in enumerate(puts, start=1):
        yield Said(put.role, put.canary, put.question, answers.answer(put))
        if progress is not None:
            progress("one model with everything in its prompt", number, len(puts))


def _puts(project: Project, canaries: Sequence[Canary], limit: int, seed: int) -> list[_Put]:
    """At most ``limit``, as many of each role and reader set as of any other; by role, so that prompts go on alike."""
    cells: dict[tuple[str, frozenset[str]], list[_Put]] = defaultdict(list)
    shuffled = sorted(canaries, key=lambda canary: canary.id)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 a seed gives the same questions again
    for canary in shuffled:
        for role in project.roles:
            for claims in (False, True):
                if not claims or role not in canary.readers:
                    reader = min(canary.readers, default="administrator")
                    question = claim(canary.question, reader) if claims else canary.question
                    cells[role, canary.readers].append(_Put(role, canary, question))
    turns = filter(None, chain.from_iterable(zip_longest(*cells.values())))
    chosen = [put for put, _ in zip(turns, range(limit), strict=False)]
    order = {role: number for number, role in enumerate(project.roles)}
    return sorted(chosen, key=lambda put: order[put.role])


def _stands_in(canary: Canary, sections: Sequence[Section]) -> bool:
    return any(section.document == canary.source and canary.value in section.with_header for section in sections)


def _context(model: str) -> int:
    return _SERVER_CONTEXT if is_server(model) else find_model(model).context


def _note(
    model: str,
    sections: Sequence[Section],
    included: Sequence[Section],
    canaries: Sequence[Canary],
    there: Sequence[Canary],
    answers: _Answers,
) -> str:
    said = [f"{model}; {len(included)} of {len(sections)} sections fit into its context."]
    if len(there) < len(canaries):
        said.append(f"{len(canaries) - len(there)} canaries stand in none of them and were not asked for.")
    if answers.times:
        said.append(f"{sum(answers.times.values()) / len(answers.times):.1f} s an answer.")
    if answers.error:
        said.append(f"Some questions ended in an error ({answers.error}).")
    return " ".join(said)
