"""The router learns anew when ``serve`` reloads: agents that came or changed, and marks that were approved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.testclient import TestClient
from gateway_processes import declare, write

from allotment.access import Principal
from allotment.answering import Step
from allotment.cli._serving import Reloader, open_serving
from allotment.feedback import Decided, FeedbackLedger
from allotment.gateway import Operations, Switch
from allotment.workspace import Workspace, write_atomic

SOFIA = Principal("sofia", "sales")
HOST = "127.0.0.1"


@pytest.fixture(scope="module")
def reloader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reloader]:
    root = tmp_path_factory.mktemp("reloaded")
    declare(root, "http://127.0.0.1:9/v1#nobody")
    operations = Operations()
    opened = open_serving(root, HOST, operations)
    switch = Switch(opened.serving)
    with TestClient(switch):
        yield Reloader(root, HOST, operations, opened, switch, print)


def teach(root: Path, agent: str, *questions: str) -> None:
    same = {"agent": agent, "answer": "So.", "value": "So", "language": "en", "readers": ["sales"], "split": "train"}
    rows = [
        {**dict.fromkeys(("id", "group", "section_id", "document"), f"{agent}-{number}"), **same, "question": question}
        for number, question in enumerate(questions)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    write_atomic(Workspace(root).dataset_dir(agent) / "items.jsonl", text)


def change(root: Path, **agents: Any) -> None:
    path = root / "allotment.yaml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, parts in agents.items():
        declared["agents"][name] |= parts
    write(path, declared)


def agent_of(reloader: Reloader, question: str) -> str | None:
    events = reloader.opened.chain.chain.stream(SOFIA, question)
    return next((one.agent for one in events if isinstance(one, Step) and one.name == "authorizing"), None)


HOLIDAY, BADGE = "How many days of holiday are there?", "What does a replacement badge cost?"


def test_agents_that_come_and_agents_that_change_are_learnt_at_the_next_reload(reloader: Reloader) -> None:
    root = reloader.opened.project.root
    teach(root, "board", HOLIDAY, "How is a holiday requested?")
    assert agent_of(reloader, HOLIDAY) == "sales"  # the only agent of the role
    change(root, board={"roles": ["board", "sales"]})
    reloader()
    assert agent_of(reloader, HOLIDAY) == "board"
    assert agent_of(reloader, "How many orders are there?") == "sales"
    assert agent_of(reloader, BADGE) != "board"
    teach(root, "board", HOLIDAY, BADGE, "Who gives out a badge?")
    assert agent_of(reloader, BADGE) != "board"
    reloader()
    assert agent_of(reloader, BADGE) == "board"


def test_an_approved_mark_is_learnt_at_the_next_reload_and_forgotten_once_it_is_taken_back(reloader: Reloader) -> None:
    root, question = reloader.opened.project.root, "When does the quokka race begin?"
    change(root, board={"roles": ["board", "sales"]})
    teach(root, "board", HOLIDAY, "How is a holiday requested?")
    reloader()
    assert agent_of(reloader, question) is None
    ledger = FeedbackLedger(Workspace(root))
    told = {"decision": 1, "mark": "m", "by": "anna", "at": "2026-01-02T00:00:00Z", "record": 1}
    item = {"use": "routing", "text": question, "role": "sales", "readers": ("sales",), "agent": "board"}
    approved = {**told, "outcome": "approve", "item": {**item, "means": "adapter", "verdict": "wrongly_refused"}}
    ledger.decide(1, lambda before: Decided.model_validate(approved))
    assert agent_of(reloader, question) is None
    reloader()
    assert agent_of(reloader, question) == "board"
    ledger.decide(1, lambda before: Decided.model_validate({**told, "outcome": "reject"}))
    reloader()
    assert agent_of(reloader, question) is None


def test_a_file_of_marks_that_was_changed_puts_nothing_new_in_force(reloader: Reloader) -> None:
    before, file = reloader.opened, Workspace(reloader.opened.project.root).feedback_file
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"anna", b"otto"))
    reloader()
    assert reloader.opened is before
    file.write_bytes(whole)
    reloader()
    assert reloader.opened is not before
