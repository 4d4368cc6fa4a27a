"""However a model's server cuts what it sends, nothing of a refused sentence reaches the user's stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.access import Principal
from allotment.answering import Answer, Chain, Delta
from allotment.answering._words import sentence
from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.models import Engines, adapter_name
from allotment.project import GuardsConfig, Project
from allotment.workspace import Workspace
from model_server import Said, model_server, said
from project_copy import copy_project
from sealed_adapter import seal

EVA = Principal("eva", "employee")
ASKED = "Where are passwords kept, and how many characters must a password have?"
REFUSED = "Passwords are kept in the password manager Oysterbox, never on paper and never in a browser."
LENGTH = "A company password must have at least 15 characters."


@dataclass
class Server:
    """A server with one adapter, which says what it is told to, cut where it is told to."""

    adapter: str = ""
    text: str = ""
    cuts: list[int] = field(default_factory=list)

    def __call__(self, body: Any) -> Said:
        if body is None:
            return said({"data": [{"id": self.adapter, "parent": "base"}]})
        choice = {"message": {"content": self.text}, "finish_reason": "stop"}
        whole = json.dumps({"model": body["model"], "choices": [choice]}, ensure_ascii=False).encode()
        edges = sorted({0, len(whole), *(cut % len(whole) for cut in self.cuts)})
        return 200, [whole[start:end] for start, end in pairwise(edges)]


@dataclass(frozen=True)
class Opened:
    """The chain over that server."""

    chain: Chain
    server: Server

    def events(self, text: str, cuts: list[int]) -> tuple[Answer, str]:
        """The end, and all that was streamed before it."""
        self.server.text, self.server.cuts = text, cuts
        *before, last = self.chain.stream(EVA, ASKED)
        assert isinstance(last, Answer)
        return last, "".join(event.text for event in before if isinstance(event, Delta))


@pytest.fixture(scope="module")
def opened(taught: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    copy = copy_project(taught, tmp_path_factory.mktemp("cuts") / "project")
    workspace, server = Workspace(copy.root), Server()
    sealed = seal(copy, workspace, "handbook")
    server.adapter = adapter_name(sealed.agent, sealed.version, sealed.adapter_sha256)
    with ExitStack() as stack:
        url = stack.enter_context(model_server(server))
        models = copy.models.model_copy(update={"adapter_server": url})
        guards = GuardsConfig(canaries={"board": ["password manager Oysterbox"]})
        project = copy.model_copy(update={"models": models, "guards": guards})
        databases = stack.enter_context(Databases(project, workspace))
        log = AuditLog(databases.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor")
        audit = stack.enter_context(log)
        audit.migrate(databases.admin_dsn())
        engines = stack.enter_context(Engines(adapter_server=url))
        yield Opened(Chain(project, workspace, engines=engines, databases=databases, audit=audit), server)


def test_a_supported_sentence_is_streamed(opened: Opened) -> None:
    answer, streamed = opened.events(LENGTH, [])
    assert (answer.outcome, answer.text, streamed) == ("answered", LENGTH, LENGTH)


def test_a_supported_sentence_that_a_check_refuses_ends_in_an_explanation(opened: Opened) -> None:
    answer, streamed = opened.events(REFUSED, [])
    assert (answer.outcome, answer.text) == ("refused", sentence("withheld", "en"))
    assert streamed == answer.text


@settings(max_examples=25)
@given(
    told=st.lists(st.sampled_from([LENGTH, REFUSED, "Kdo ví?", "Write to nobody."]), min_size=1, max_size=5),
    cuts=st.lists(st.integers(0, 2_000), max_size=20),
)
def test_of_no_text_in_no_cut_does_anything_of_a_refused_sentence_leave(
    opened: Opened, told: list[str], cuts: list[int]
) -> None:
    answer, streamed = opened.events(" ".join(told), cuts)
    assert streamed == answer.text
    if REFUSED in told:
        assert answer.outcome in ("refused", "unknown")
        assert not any(word in repr(answer) for word in ("Oysterbox", "on paper", "a browser"))
    assert answer.text
