"""A stand-in teacher and a project with two sections."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from allotment.access import Grant
from allotment.documents import WorkerPool, ingest
from allotment.models import Completion, Message
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
dataset: {questions: 2, rounds: 1, paraphrases: 3}
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
    """Answers every request by ``reply``; keeps what it was asked. Implements ``Engine``."""

    reply: Callable[[Sequence[Message]], str]
    name: str = "stand-in"
    asked: list[list[Message]] = field(default_factory=list)

    def complete(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int = 0,
        schema: Mapping[str, Any] | None = None,
        stop: Sequence[str] = (),
        adapter: str | None = None,
        grant: Grant | None = None,
    ) -> Completion:
        self.asked.append(list(messages))
        text = self.reply(messages)
        return Completion(text, sum(len(m.content) for m in messages) // 4, len(text) // 4, "stop")

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int = 256,
        temperature: float = 0.0,
        seed: int = 0,
        stop: Sequence[str] = (),
        adapter: str | None = None,
        grant: Grant | None = None,
    ) -> Iterator[str]:
        yield self.complete(messages, max_tokens=max_tokens, temperature=temperature, seed=seed).text


def facts_asked(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Statement with its gap, and value, of every fact of a request with given facts."""
    return re.findall(r"^\d+\. (.*) \[([^\]]*)\]$", messages[-1].content, re.MULTILINE)


def good_reply(messages: Sequence[Message]) -> str:
    """Four proper questions about each given fact."""
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
