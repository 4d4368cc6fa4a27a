"""``evaluate AGENT``: every question by every means, and the report of what came of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from allotment.agents import SupportIndex
from allotment.dataset import load_items
from allotment.errors import AllotmentError, Cancelled, StorageError
from allotment.evaluation.knowledge._asking import Counter, Progress, ask_all
from allotment.evaluation.knowledge._findings import Findings, report_of
from allotment.evaluation.knowledge._judge import (
    Agreement,
    hand_labels,
    judge_agreement,
    model_judge,
    rules_agreement,
)
from allotment.evaluation.knowledge._means import MeansOf, Parts
from allotment.evaluation.knowledge._questions import questions_of, spread
from allotment.evaluation.knowledge._recall import Comparison, compare
from allotment.evaluation.knowledge._scores import score
from allotment.evaluation.knowledge._types import FOUR, NAMES, Answers, Means, Question
from allotment.evaluation.report import Report
from allotment.models import find_model
from allotment.workspace import Ledger


@dataclass(frozen=True)
class Options:
    """How an agent is evaluated."""

    most: int | None = None
    """So many questions, spread over sets and documents, instead of all."""
    judge: str | None = None
    """Model that judges answers too; none leaves it to the rules."""
    command: str = ""
    """How it is run again, for the report."""


@dataclass(frozen=True)
class Evaluated:
    """The report, and the recall of it that the administration shows."""

    report: Report
    comparison: Comparison | None
    """None where not every held-out question was answered with and without the adapter."""


def evaluate_agent(
    parts: Parts, agent: str, options: Options | None = None, progress: Progress | None = None
) -> Evaluated:
    """Ask an agent's questions by every means and say what it knows.

    What is missing (an adapter, the search, the judge) is "not known" in the report, with the reason. Answers are kept
    in ``evaluation/knowledge/AGENT/answers.jsonl`` of the workspace: a run that was cut off goes on there, and one over
    the same models, questions and prompts asks nothing.

    Raises:
        ProjectError: there is no such agent.
        DatasetError: it has no dataset.
        StorageError: answers cannot be kept.
    """
    options = options or Options()
    began = time.monotonic()
    with parts.workspace.lock(f"evaluation-knowledge-{agent}"):
        everything = questions_of(parts.project, parts.workspace, agent)
        questions = everything if options.most is None else spread(everything, options.most)
        ledger = Ledger(parts.workspace.home / "evaluation" / "knowledge" / agent / "answers.jsonl")
        means = MeansOf(parts, agent)
        answers = _ask(means, questions, ledger, progress)
        scored = {one.means: score(one, questions) for one in answers}
        judged = _judged(parts, options.judge, ledger, answers, questions, progress)
    findings = Findings(
        parts.project,
        agent,
        means,
        questions,
        answers,
        scored,
        _support(parts, agent, means),
        (*rules_agreement(hand_labels()), *((judged[0],) if judged else ())),
        judged[1] if judged else {},
        left_out=len(everything) - len(questions),
    )
    report = report_of(
        findings,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        command=options.command,
        seconds=round(time.monotonic() - began, 1),
    )
    return Evaluated(report, _comparison(parts, agent, answers))


def _ask(
    means: MeansOf, questions: Sequence[Question], ledger: Ledger, progress: Progress | None
) -> tuple[Answers, ...]:
    """The general questions are for the model alone, with and without the adapter."""
    plan: dict[Means, list[Question]] = {
        **{one: [question for question in questions if one in FOUR[:2] or question.set != "general"] for one in FOUR},
        "chain": [question for question in questions if question.set != "general"],
    }
    counter = Counter(sum(map(len, plan.values())), progress)
    return tuple(_by(means, one, wanted, ledger, counter) for one, wanted in plan.items())


def _by(means: MeansOf, one: Means, wanted: list[Question], ledger: Ledger, counter: Counter) -> Answers:
    try:
        asked = means.make(one)
    except (Cancelled, StorageError):
        raise
    except AllotmentError as error:
        counter.add(NAMES[one], len(wanted))
        return Answers(one, {}, {}, str(error))
    return ask_all(asked, wanted, ledger, counter, NAMES[one])


def _support(parts: Parts, agent: str, means: MeansOf) -> SupportIndex:
    """As the chain makes it: over the sections the agent was trained on."""
    trained = [item for item in load_items(parts.workspace, agent) if item.split == "train" and item.document]
    learnt = {item.section_id for item in trained}
    return SupportIndex((section for key, section in means.sections.items() if key in learnt), trained)


Verdicts = dict[Means, tuple[int, int]]
"""Means → answers that the judge calls right, of those it has a verdict on."""


def _judged(
    parts: Parts,
    model: str | None,
    ledger: Ledger,
    answers: Sequence[Answers],
    questions: Sequence[Question],
    progress: Progress | None,
) -> tuple[Agreement, Verdicts] | None:
    if model is None:
        return None
    name, labels = f"judge {model}", hand_labels()
    asked = [question for question in questions if question.set == "trained"]
    pairs = [
        (one, question) for one in answers if one.means in FOUR for question in asked if question.id in one.replies
    ]
    counter = Counter(len(labels) + len(pairs), progress)
    try:
        engine = parts.engines.get(model)
        judge = model_judge(engine, ledger, {"model": find_model(model).sha256 or model}, lambda: counter.add(name))
    except Cancelled:
        raise
    except AllotmentError:
        return Agreement(name, len(labels), len(labels), None, None, None, None), {}
    found = judge_agreement(name, judge, labels)
    counts: Verdicts = {}
    for one, question in pairs if found.is_shown else ():
        verdict = judge(question.text, question.answer, one.replies[question.id].text)
        right, total = counts.get(one.means, (0, 0))
        counts[one.means] = (right + (verdict is True), total + (verdict is not None))
    return found, counts


def _comparison(parts: Parts, agent: str, answers: Sequence[Answers]) -> Comparison | None:
    items = [item for item in load_items(parts.workspace, agent) if item.split == "held_out" and item.is_fact]
    base, adapter = ({one.means: one.replies for one in answers}[means] for means in FOUR[:2])
    keys = {item.id: f"trained-{item.id}" for item in items}
    if not items or any(key not in base or key not in adapter for key in keys.values()):
        return None
    return compare(items, lambda item: base[keys[item.id]].text, lambda item: adapter[keys[item.id]].text)
