"""Which questions an agent is asked, and where each set of them comes from."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from allotment.dataset import Item, load_items
from allotment.documents import Section, load_sections, stems_of
from allotment.errors import AllotmentError
from allotment.evaluation.knowledge._types import SETS, Question, QuestionSet
from allotment.evaluation.knowledge._unanswerable import unanswerable_questions
from allotment.project import Project
from allotment.workspace import Workspace, hash_text

QUICK = 40
"""Questions of a quick evaluation."""
_MOST = 40
"""Most questions of a set that is not the trained one."""


def questions_of(project: Project, workspace: Workspace, agent: str) -> list[Question]:
    """All questions for an agent, set by set, the same ones in every run over the same data.

    Raises:
        ProjectError: there is no such agent.
        DatasetError: it has no dataset.
    """
    items = load_items(workspace, agent)
    readable = readable_sections(project, agent, load_sections(workspace))
    trained = [item for item in items if item.split == "held_out" and item.is_fact]
    return [
        *(_of_item(item, "trained", "held out of the agent's dataset") for item in trained),
        *_unseen(project, workspace, agent, items, readable),
        *_trained_unknowns(items),
        *unanswerable_questions(trained, readable, _MOST),
        *_general(),
    ]


def readable_sections(project: Project, agent: str, sections: Iterable[Section]) -> list[Section]:
    """Sections that all roles of the agent may read: what it may be shown, whether it learnt them or not."""
    roles = project.agents[agent].roles
    return [
        section
        for section in sections
        if roles <= section.readers and roles <= project.readers_of(section.document_set)
    ]


def spread(questions: Sequence[Question], count: int) -> list[Question]:
    """At most ``count`` questions, as evenly over sets, documents and facts as they allow; the same every time."""
    waiting: dict[QuestionSet, list[Question]] = defaultdict(list)
    for question in questions:
        waiting[question.set].append(question)
    lines = [_by_turns(waiting[kind]) for kind in SETS if kind in waiting]
    chosen: set[str] = set()
    for place in range(max(map(len, lines), default=0)):
        for line in lines:
            if place < len(line) and len(chosen) < count:
                chosen.add(line[place].id)
    return [question for question in questions if question.id in chosen]


def _by_turns(questions: Sequence[Question]) -> list[Question]:
    """One of each document in turn, and of a document one of each fact before a second wording."""
    seen: dict[str, int] = defaultdict(int)
    turns: dict[str, int] = defaultdict(int)
    ranked = []
    for question in sorted(questions, key=lambda question: hash_text(question.id)):
        wording, seen[question.fact] = seen[question.fact], seen[question.fact] + 1
        place = question.document or question.source
        turn, turns[place] = turns[place], turns[place] + 1
        ranked.append((wording, turn, hash_text(question.id), question))
    return [question for *_, question in sorted(ranked, key=lambda row: row[:3])]


def _of_item(item: Item, kind: QuestionSet, source: str) -> Question:
    return Question(
        f"{kind}-{item.id}",
        kind,
        item.group,
        item.question,
        item.value,
        item.answer,
        item.language,
        source,
        item.document,
        item.section_id,
    )


def _unseen(
    project: Project, workspace: Workspace, agent: str, items: Sequence[Item], readable: Sequence[Section]
) -> list[Question]:
    """Of documents kept out of training, of other agents' documents that all its roles may read; else shipped ones."""
    learnt = {item.document for item in items if item.split == "train" and item.document}
    kept = [item for item in items if item.split == "validation" and item.is_fact and item.document not in learnt]
    found = [_of_item(item, "unseen", "a document kept out of the agent's training") for item in kept]
    sections = {section.id for section in readable}
    for other in sorted(set(project.agents) - {agent}):
        found += [
            _of_item(item, "unseen", f"a document the agent may read and did not learn, from the dataset of {other}")
            for item in _items_or_none(workspace, other)
            if item.kind == "question" and item.section_id in sections and item.document not in learnt
        ]
    once = {question.text: question for question in found}
    if not once:
        return _shipped(readable, {item.language for item in items if item.is_fact})
    return _by_turns(list(once.values()))[:_MOST]


def _items_or_none(workspace: Workspace, agent: str) -> list[Item]:
    """Another agent's dataset that is not there, or cannot be read, has no questions to give."""
    try:
        return load_items(workspace, agent)
    except AllotmentError:
        return []


def _shipped(readable: Sequence[Section], languages: set[str]) -> list[Question]:
    """General questions about any company, without those whose every word stands in one of its sections."""
    told = [frozenset(stems_of(section.with_header)) for section in readable]
    source = "shipped questions about any company; no right answer is on file"
    return [
        Question(f"unseen-{hash_text(text)[:16]}", "unseen", hash_text(text)[:16], text, "", "", language, source)
        for language, texts in _data("unseen.yaml").items()
        if language in languages
        for text in texts
        if not any(frozenset(stems_of(text)) <= said for said in told)
    ]


def _trained_unknowns(items: Sequence[Item]) -> list[Question]:
    """Questions that the dataset itself has without an answer; most were trained, which their source says."""
    return [
        Question(
            f"unanswerable-{item.id}",
            "unanswerable",
            item.group,
            item.question,
            "",
            "",
            item.language,
            f"the agent's dataset ({'it was trained to say so' if item.split == 'train' else 'held out'})",
        )
        for item in items
        if item.kind == "unknown"
    ][:_MOST]


def _general() -> list[Question]:
    return [
        Question(
            f"general-{row['id']}",
            "general",
            row["id"],
            row["question"],
            str(row["value"]),
            str(row["value"]),
            row["language"],
            "shipped general knowledge",
        )
        for row in _data("general.yaml")
    ]


@lru_cache
def _data(name: str) -> Any:
    text = (files("allotment.evaluation.knowledge") / name).read_text(encoding="utf-8")
    return yaml.safe_load(text)


def one_line(text: str) -> str:
    """The text without its line breaks."""
    return re.sub(r"\s+", " ", text).strip()
