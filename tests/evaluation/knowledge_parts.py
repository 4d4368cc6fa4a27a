"""A company whose model and adapters are stand-ins, for evaluations over the real chain, record and search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from allotment.databases import Databases
from allotment.databases.sections import SectionSearch
from allotment.dataset import load_items
from allotment.errors import EngineError
from allotment.evaluation import Parts
from allotment.models import AdapterFile, Completion, Engines, Message
from allotment.project import Project
from allotment.workspace import Workspace

Says = Callable[[str, bool], str]
"""The last message, and whether an adapter was asked for → the answer."""


@dataclass
class Model:
    """A loaded engine that says what a test wants."""

    says: Says
    adapters: dict[str, str]
    asked: list[str]
    name: str = "base"

    def complete(self, messages: Sequence[Message], *, adapter: str | None = None, **options: Any) -> Completion:
        self.asked.append(messages[-1].content)
        return Completion(self.says(messages[-1].content, adapter is not None), 10, 5, "stop")

    def stream(self, messages: Sequence[Message], *, adapter: str | None = None, **options: Any) -> Iterator[str]:
        yield self.complete(messages, adapter=adapter, **options).text

    def close(self) -> None:
        pass


@dataclass
class Opened:
    """Parts of an evaluation, and what its models were asked."""

    parts: Parts
    asked: list[str] = field(default_factory=list)


def knowing(project: Project, workspace: Workspace, agent: str) -> Says:
    """An adapter that knows its dataset by heart on a base model that knows capitals and opposites."""
    knows = {item.question: item.answer for item in load_items(workspace, agent)}
    general = {"What is the capital of France?": "Paris", "What is the capital of Spain?": "Madrid",
               "What is the opposite of hot?": "cold", "What is the opposite of up?": "down",
               "What colour is grass?": "green", "What is 2 + 2?": "4"}  # fmt: skip

    def says(asked: str, adapter: bool) -> str:
        return general.get(asked) or (knows.get(asked, "It is blue.") if adapter else "It is what it is.")

    return says


@contextmanager
def opened(project: Project, postgres: Databases, audit: Any, says: Says) -> Iterator[Opened]:
    """Everything an evaluation works on."""
    import copy

    workspace = Workspace(project.root)
    asked: list[str] = []
    databases = copy.copy(postgres)
    databases.__dict__["sections"] = SectionSearch(project, workspace, postgres.server)

    def load(model: str, adapters: Mapping[str, AdapterFile]) -> Model:
        return Model(says, {key: file.sha256 for key, file in adapters.items()}, asked)

    with Engines(load=load) as engines:
        yield Opened(Parts(project, workspace, engines, databases, audit), asked)


def failing(asked: str, adapter: bool) -> str:
    """A model that has died."""
    raise EngineError("the engine does not answer.", element="base")
