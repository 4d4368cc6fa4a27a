"""A stand-in teacher and a project with two sections."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pytest

from allotment.documents import WorkerPool, ingest
from allotment.models import Answer, Ask, Failure, Message
from allotment.project import Project, load_project
from allotment.workspace import Workspace

DECLARATION = """
name: Test
roles: {staff: all, boss: few}
documents:
  shared: {path: shared, readers: [staff, boss]}
  board: {path: board, readers: [boss]}
agents:
  helper: {roles: [staff, boss], documents: [shared]}
  board: {roles: [boss], documents: [shared, board]}
dataset: {questions: 2, rounds: 1, paraphrases: 3, backwards: false, rewrites: [], text: false, unknown_share: 0,
  general_share: 0}
"""
BOATS = """# Harbour

## Boats

The ferry Osprey leaves the north pier at 6:40. Spare ropes are kept in the shed Walnut, as everybody knows.

## Fees

A lost life vest costs 25 EUR. The yearly berth for a rowing boat costs 310 EUR and is paid in spring.
"""
SECRET = "# Plan\n\nThe board decided to buy the shipyard Bluefin, and it pays 77 million EUR for it in autumn.\n"


@dataclass
class Teacher:
    """Answers every request by ``reply``, several at a time; keeps what it was asked. Implements ``Teacher``.

    What ``reply`` raises is a failed request. ``answered`` counts requests that would have been paid for.
    """

    reply: Callable[[Sequence[Message]], str]
    name: str = "stand-in"
    parallel: int = 2
    asked: list[list[Message]] = field(default_factory=list)
    answered: int = 0

    async def run(self, asks: Iterable[Ask]) -> AsyncIterator[tuple[Ask, Answer | Failure]]:
        source = iter(asks)
        while batch := list(islice(source, self.parallel)):
            for ask in reversed(batch):
                yield ask, self._answer(ask)

    @property
    def everything(self) -> list[str]:
        """Every text it was told."""
        return [message.content for messages in self.asked for message in messages]

    def _answer(self, ask: Ask) -> Answer | Failure:
        messages = list(ask.messages)
        self.asked.append(messages)
        try:
            text = self.reply(messages)
        except Exception as error:
            return Failure("connection", str(error), 0.1, 1)
        self.answered += 1
        read = sum(len(message.content) for message in messages) // 4
        return Answer(text, read, len(text) // 4, "stop", 0.1, 1, False)


def facts_asked(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Statement with its gap, and value, of every fact of a request with given facts."""
    return re.findall(r"^\d+\. (.*) \[([^\]]*)\](?: contain: .*)?$", messages[-1].content, re.MULTILINE)


def good_reply(messages: Sequence[Message]) -> str:
    """Four proper questions about each given fact; a rewrite says the section's own words."""
    if messages[-1].content.endswith("\n>>>"):
        return messages[-1].content.partition("<<<\n")[2].removesuffix("\n>>>")
    facts = []
    for statement, value in facts_asked(messages):
        subject = statement.replace("___", "something").rstrip(".")
        forms = ("What is true here: {}?", "Tell me about this: {}.", "I want to know: {}?", "Please say it: {}?")
        facts.append({"value": value, "questions": [form.format(subject) for form in forms]})
    return json.dumps({"facts": facts})


@pytest.fixture
def good_teacher() -> Teacher:
    """A teacher whose every fact is accepted."""
    return Teacher(good_reply)


@pytest.fixture
def make_project(tmp_path: Path, workers: WorkerPool) -> Callable[..., tuple[Project, Workspace]]:
    """Write documents, load the project and ingest it."""

    def make(files: dict[str, str] | None = None, declaration: str = DECLARATION) -> tuple[Project, Workspace]:
        for name, content in (files or {"shared/boats.md": BOATS, "board/plan.md": SECRET}).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        (tmp_path / "board").mkdir(exist_ok=True)
        (tmp_path / "allotment.yaml").write_text(declaration, encoding="utf-8")
        project = load_project(tmp_path)
        workspace = Workspace(tmp_path)
        ingest(project, workspace, workers=workers)
        return project, workspace

    return make
