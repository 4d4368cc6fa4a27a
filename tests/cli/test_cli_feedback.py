"""``feedback`` and what reads it, on the command line, over a real record and real marks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cli_call import Call

from allotment.access import Principal
from allotment.audit import record_event
from allotment.cli._open import State, open_state
from allotment.gateway import Feedback, MarkStore
from allotment.gateway.feedback import Marking
from allotment.project import load_project
from allotment.workspace import Workspace, write_atomic

DECLARED = """
name: Marked
roles: {clerk: works here, boss: decides}
documents:
  rules: {path: documents/rules, readers: [clerk, boss]}
  plans: {path: documents/plans, readers: [boss]}
agents:
  rules: {roles: [clerk, boss], documents: [rules]}
  plans: {roles: [boss], documents: [plans]}
"""
BERTA = Principal("berta", "boss")


@dataclass(frozen=True)
class Company:
    """A small company whose record and marks are open."""

    root: Path
    state: State

    def mark(self, event: dict[str, Any], verdict: Any, agent: str | None = None, note: str = "") -> int:
        who = {"user": "berta", "role": "boss", "outcome": "allow", "search": False}
        number = self.state.audit.append({**who, **event}).sequence
        with closing(MarkStore(self.state.databases.state_dsn, self.state.project.gateway.feedback)) as store:
            feedback = Feedback(store, self.state.audit.find)
            record = partial(record_event, self.state.audit)
            feedback.mark(BERTA, Marking(number, verdict, agent, note), ("rules", "plans"), record)
        return number


def learn(root: Path, agent: str, *questions: str) -> None:
    same = {"agent": agent, "answer": "Hall 9.", "value": "Hall 9", "language": "en", "readers": ["boss"]}
    rows = [
        {"id": f"{agent}-{number}", "group": f"{number}", "section_id": "s", "document": "d.md", **same,
         "question": question, "split": "train"}
        for number, question in enumerate(questions)
    ]  # fmt: skip
    write_atomic(Workspace(root).dataset_dir(agent) / "items.jsonl", "".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    root = tmp_path_factory.mktemp("marked")
    (root / "allotment.yaml").write_text(DECLARED, encoding="utf-8")
    for folder in ("rules", "plans"):
        (root / "documents" / folder).mkdir(parents=True)
    learn(root, "rules", "When does work begin in the morning?", "Who signs the book?", "Which gate is open today?")
    learn(root, "plans", "Where does the company move in May?", "When does the lease end?", "Who pays for both halls?")
    with open_state(load_project(root), Workspace(root)) as state:
        state.users.add("berta", "boss", "long-enough-passphrase-7")
        yield Company(root, state)


QUESTION = "Which gate do we move through in May?"
BY_RULES = {"kind": "decision", "agent": "rules", "adapter": "v1", "question": QUESTION}


def test_a_mark_is_listed_shown_and_approved_with_the_codes_of_the_contract(call: Call, company: Company) -> None:
    number = company.mark(BY_RULES, "wrong_agent", "plans", "It is <b>a plan</b>\x1b[31m")
    at = ("-C", company.root)
    listed = call(*at, "feedback", "list")
    assert listed.code == 0
    assert QUESTION in listed.out
    (entry,) = [one for one in call(*at, "feedback", "list", "--json").json() if one["decision"] == number]
    assert (entry["state"], entry["verdict"], entry["user"], entry["role"]) == ("open", "wrong_agent", "berta", "boss")
    assert (entry["proposal"]["for"], entry["proposal"]["agent"]) == ("routing", "plans")
    shown = call(*at, "feedback", "show", str(number))
    assert shown.code == 0
    assert "<b>a plan</b>" in shown.out
    assert "\x1b" not in shown.out
    assert call(*at, "routing", "check", "--role", "boss", QUESTION, "--json").json()["agent"] is None
    done = call(*at, "feedback", "approve", str(number), "--reviewer", "anna", "--json")
    assert (done.code, done.json()["by"], done.json()["item"]["means"]) == (0, "anna", "adapter")
    twice = call(*at, "feedback", "approve", str(number))
    assert twice.code == 2
    assert "approved already by anna" in twice.err
    assert call(*at, "routing", "check", "--role", "boss", QUESTION, "--json").json()["agent"] == "plans"
    fitted = call(*at, "routing", "train", "--json").json()
    assert len(fitted) == 1
    assert call(*at, "routing", "check", "--role", "boss", QUESTION).err == ""
    assert call(*at, "feedback", "reject", str(number), "--reason", "It was right.").code == 0
    assert call(*at, "routing", "check", "--role", "boss", QUESTION, "--json").json()["agent"] is None
    assert "routing train" in call(*at, "routing", "check", "--role", "boss", QUESTION).err


def test_a_number_nobody_marked_is_exit_code_2(call: Call, company: Company) -> None:
    for verb in ("show", "approve", "reject"):
        outcome = call("-C", company.root, "feedback", verb, "99999")
        assert (outcome.code, "nobody marked decision 99999" in outcome.err) == (2, True)


def test_what_a_text_may_be_learnt_by_is_said_when_it_is_approved(call: Call, company: Company) -> None:
    refused = {
        "kind": "guard-refused",
        "detail": {"question": "Who is the boss of Hall 4?", "checks": {"override": "x"}},
    }
    first, second = company.mark(refused, "wrongly_refused"), company.mark(refused, "wrongly_refused")
    at = ("-C", company.root, "feedback", "approve")
    assert call(*at, str(first), "--json").json()["item"]["readers"] == ["boss"]
    found = call(*at, str(second), "--everyone", "--text", "Who leads Hall 4?", "--json").json()["item"]
    assert (found["readers"], found["text"], found["label"]) == (["boss", "clerk"], "Who leads Hall 4?", "allow")
    told = call("-C", company.root, "feedback", "list", "--state", "approved")
    assert "Who is the boss of Hall 4?" in told.out


def test_a_question_whose_answer_was_wrong_leads_the_reviewer_to_the_pairs_near_it(
    call: Call, company: Company
) -> None:
    at = ("-C", company.root)
    first = company.mark({**BY_RULES, "question": "When does the work begin each morning?"}, "wrong_answer")
    second = company.mark({**BY_RULES, "question": "Quokka zymurgy?"}, "wrong_answer")
    assert call(*at, "dataset", "review", "rules", "--flagged").out == ""
    for number in (first, second):
        assert call(*at, "feedback", "approve", str(number)).code == 0
    found = call(*at, "dataset", "review", "rules", "--flagged")
    assert [json.loads(line)["question"] for line in found.out.splitlines()] == ["When does work begin in the morning?"]
    assert "No pair is near to 'Quokka zymurgy?'" in found.err
    assert call(*at, "dataset", "review", "plans", "--flagged").out == ""


def test_drift_compares_the_record_with_the_period_before_and_the_training(call: Call, company: Company) -> None:
    at = ("-C", company.root)
    assert call(*at, "routing", "train").code == 0
    for number in range(40):
        agent = "rules" if number % 2 else None
        detail = {"routed": "examples", "ours": 0.9 if agent else 0.2, "agent": agent}
        company.state.audit.append({"user": "berta", "role": "boss", "kind": "answered", "detail": detail})
    (found,) = call(*at, "routing", "drift", "--json").json()
    assert (found["role"], found["now"]["questions"], found["now"]["nobody"]) == ("boss", 40, 0.5)
    assert found["before"] is None
    shown = call(*at, "routing", "drift", "--days", "7")
    assert (shown.code, "baseline" in shown.out) == (0, True)
