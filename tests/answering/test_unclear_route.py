"""A question that may be for several agents, in a project that has the user asked; and one that follows another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from allotment.access import Principal
from allotment.answering import Chain, Step
from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.models import Engines
from allotment.project import Project, load_project
from allotment.workspace import Workspace, write_atomic
from project_copy import copy_project

SOFIA = Principal("sofia", "sales")
HOLIDAY = "How is a holiday requested?"
LEARNT = {
    "handbook": [HOLIDAY, "How many days of holiday are there?"],
    "sales": [HOLIDAY, "How many days of holiday are there?", "Which commission does a new customer bring?"],
    "board": ["Which secret plan is decided about the holiday?"],
    "warehouse": ["Which gate is for Austria?"],
}


@dataclass(frozen=True)
class Opened:
    """A chain whose agents learnt a few questions, and its record."""

    chain: Chain
    audit: AuditLog


def _item(agent: str, number: int, question: str) -> str:
    same = dict.fromkeys(("id", "group", "section_id", "document"), f"{agent}-{number}")
    told = {"agent": agent, "question": question, "answer": "Almanac.", "value": "Almanac", "language": "en"}
    return json.dumps({**same, **told, "readers": ["director"], "split": "train"})


@pytest.fixture(scope="module")
def opened(taught: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    copy = copy_project(taught, tmp_path_factory.mktemp("unclear") / "project", "adapters")
    file = copy.root / "allotment.yaml"
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "default:" not in line]
    text = "\n".join(line for line in lines if not line.startswith("routing:"))
    file.write_text(f"{text}\nrouting: {{unclear: ask}}\n", encoding="utf-8")
    project, workspace = load_project(copy.root), Workspace(copy.root)
    for agent, questions in LEARNT.items():
        items = "".join(_item(agent, number, text) + "\n" for number, text in enumerate(questions))
        write_atomic(workspace.dataset_dir(agent) / "items.jsonl", items)
    with Databases(project, workspace) as databases, Engines() as engines:
        log = AuditLog(databases.state_dsn, workspace.secret("audit.key"), workspace.home / "audit.anchor")
        with log as audit:
            audit.migrate(databases.admin_dsn())
            yield Opened(Chain(project, workspace, engines=engines, databases=databases, audit=audit), audit)


def test_the_user_is_asked_which_of_his_own_agents_is_meant_and_none_is_reached(opened: Opened) -> None:
    answer = opened.chain.answer(SOFIA, HOLIDAY)
    assert (answer.outcome, answer.agent) == ("unknown", None)
    assert answer.text.startswith("Which of these do you mean? ")
    assert "handbook (rules for all staff" in answer.text and "sales (selling" in answer.text
    assert "board" not in answer.text and "warehouse" not in answer.text
    assert any(why.endswith("are about as likely") for step, why in answer.explanation if step == "routing")
    event = opened.audit.records(1)[0].event
    assert event["kind"] == "unknown"
    assert sorted(event["detail"]["agents"]) == ["handbook", "sales"]


def test_a_follow_up_is_sent_to_the_agent_of_the_question_before_it(opened: Opened) -> None:
    before = ("Which commission does a new customer bring?", "Almanac.")
    events = list(opened.chain.stream(SOFIA, "and last year?", context=before))
    assert Step("authorizing", "sales") in events


def test_what_leads_nowhere_alone_reaches_no_agent(opened: Opened) -> None:
    assert opened.chain.answer(SOFIA, "How tall is Mount Everest?").agent is None
