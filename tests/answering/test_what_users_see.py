"""Nothing of an agent a user is not entitled to reaches him, whatever he asks: no route, no runner-up, no reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.access import Policy, Principal
from allotment.answering import Answer, Chain
from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.feedback import Decided, FeedbackLedger
from allotment.models import Engines
from allotment.project import Project, RoutingConfig
from allotment.workspace import Workspace, write_atomic
from project_copy import copy_project

MARK = "-qx7"
"""Ends every agent's name here, so that it is no word of any text."""
LEARNT = {
    "handbook": ["How is a holiday requested?", "How many days of holiday are there?", "Who gives out badges?"],
    "sales": ["Which commission does a new customer bring?", "How is a discount requested?", "Who sells in Austria?"],
    "board": ["Which holiday plan was decided?", "Which company does the board buy?", "What does the director earn?"],
    "warehouse": ["Which gate is for Austria?", "How fast may a forklift go?", "Who requests a gate?"],
}
QUESTIONS = [question for questions in LEARNT.values() for question in questions]


@pytest.fixture(scope="module")
def opened(taught: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Chain, Policy, AuditLog]]:
    copy = copy_project(taught, tmp_path_factory.mktemp("seen") / "project", "adapters")
    agents = {f"{name}{MARK}": agent for name, agent in copy.agents.items()}
    project = copy.model_copy(update={"agents": agents, "routing": RoutingConfig()})
    workspace = Workspace(copy.root)
    for agent, questions in LEARNT.items():
        _teach(workspace, f"{agent}{MARK}", questions)
    _approve(workspace, "Who answers for the quokka?", "director", f"board{MARK}")
    with (
        Databases(project, workspace) as databases,
        Engines() as engines,
        AuditLog(databases.state_dsn, "k" * 64, workspace.home / "audit.anchor") as audit,
    ):
        audit.migrate(databases.admin_dsn())
        chain = Chain(project, workspace, engines=engines, databases=databases, audit=audit)
        yield chain, Policy.of(project), audit


def _teach(workspace: Workspace, agent: str, questions: list[str]) -> None:
    same = {"agent": agent, "answer": "Almanac.", "value": "Almanac", "language": "en", "readers": ["director"]}
    lines = [
        json.dumps({**dict.fromkeys(("id", "group", "section_id", "document"), f"{agent}-{number}"), **same,
                    "question": question, "split": "train"})
        for number, question in enumerate(questions)
    ]  # fmt: skip
    write_atomic(workspace.dataset_dir(agent) / "items.jsonl", "\n".join(lines) + "\n")


def _approve(workspace: Workspace, text: str, role: str, agent: str) -> None:
    item = {"use": "routing", "text": text, "role": role, "readers": (role,), "agent": agent, "means": "adapter"}
    told = {"decision": 1, "mark": "m", "outcome": "approve", "by": "anna", "at": "2026-01-02T00:00:00Z", "record": 1}
    made = Decided.model_validate({**told, "item": {**item, "verdict": "wrong_agent"}})
    FeedbackLedger(workspace).decide(1, lambda before: made)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(QUESTIONS) | st.sampled_from(["and last year?", "board-qx7/adapter"]) | st.text(max_size=40),
    st.sampled_from(["employee", "sales", "warehouse", "director"]),
    st.none() | st.sampled_from([f"board{MARK}", f"sales{MARK}", "nobody"]),
    st.lists(st.sampled_from(QUESTIONS), max_size=2),
)
def test_only_entitled_agents_are_named_in_anything_a_user_sees(
    opened: tuple[Chain, Policy, AuditLog], question: str, role: str, agent: str | None, earlier: list[str]
) -> None:
    chain, policy, _ = opened
    seen = repr(list(chain.stream(Principal("somebody", role), question, agent=agent, earlier=earlier)))
    foreign = set(policy.agents) - set(policy.entitled(role))
    typed = {name for name in foreign if any(name in text for text in (question, *earlier))}
    assert not [name for name in foreign - typed if name in seen]


def test_the_runner_up_among_the_entitled_and_why_are_told(opened: tuple[Chain, Policy, AuditLog]) -> None:
    chain, _, _ = opened
    final = chain.answer(Principal("sofia", "sales"), "How is a discount on a holiday requested?")
    (why,) = [why for step, why in final.explanation if step == "routing"]
    own = rf"(sales|handbook){MARK}"
    assert re.search(rf"closest to what {own} answers from its adapter: 'How is a \w+ requested\?'", why)
    assert re.search(rf"next: {own}/adapter \(0\.\d\d beside 0\.\d\d\)", why)


def test_a_question_the_director_marked_shows_in_nothing_others_see(opened: tuple[Chain, Policy, AuditLog]) -> None:
    chain, _, _ = opened
    question = "Who answers for the quokka?"
    director = chain.answer(Principal("dana", "director"), question)
    assert director.agent == f"board{MARK}" or any(f"board{MARK}" in why for _, why in director.explanation)
    for role in ("employee", "sales", "warehouse"):
        other = chain.answer(Principal("somebody", role), question)
        assert f"board{MARK}" not in repr(other)
        assert "quokka" not in repr(other)


def test_how_a_question_was_routed_is_on_record_in_numbers(opened: tuple[Chain, Policy, AuditLog]) -> None:
    chain, _, audit = opened
    answer = chain.answer(Principal("sofia", "sales"), "How tall is Mount Everest?")
    assert isinstance(answer, Answer)
    (end,) = audit.records(1)
    detail = end.event["detail"]
    assert detail["routed"] == "examples"
    assert 0 <= detail["ours"] < 0.5
