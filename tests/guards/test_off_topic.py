"""What no entitled agent could answer is refused, where the project wants that."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import allotment
from allotment.access import Policy, Principal
from allotment.errors import ProjectError
from allotment.guards import Finding, Guards, Means, Outside
from allotment.project import GuardsConfig, Project, load_project
from allotment.routing import Router

PROJECT = load_project(Path(allotment.__file__).parent / "examples/northwind")
EXAMPLES = {
    ("handbook", "adapter"): [
        "How many days of holiday do I get?",
        "When does work begin in the morning?",
        "What is the spending limit for a business dinner?",
        "Who approves a business trip?",
        "Where is the welcome session for new people?",
    ],
    ("sales", "adapter"): [
        "How much discount may I grant to a customer?",
        "Which customers pay late?",
        "What is the target of the quarter?",
        "How long is an offer valid?",
    ],
    ("board", "adapter"): ["What price did the board approve for the acquisition?", "Which bank gives the loan?"],
}
EVA, SOFIA, DANA = Principal("eva", "employee"), Principal("sofia", "sales"), Principal("dana", "director")
IN, OUT = "How many days of holiday are there?", "Who won the football world cup in 1998?"


def _guards(
    *, examples: Any = None, learnt: Sequence[str] = ("handbook", "sales", "board"), **guards: Any
) -> tuple[Guards, Router]:
    policy = Policy.of(PROJECT)
    known = EXAMPLES if examples is None else examples
    router = Router(policy, {one: texts for one, texts in known.items() if one[0] in learnt}, {})

    def scope(question: str, principal: Principal, earlier: Sequence[str], agent: str | None) -> Outside | None:
        found = router.outside(question, principal, earlier, agent)
        return None if found is None else Outside(*found)

    return Guards(_project(**guards), Means(scope=scope)), router


def _project(**guards: Any) -> Project:
    return PROJECT.model_copy(update={"guards": GuardsConfig(**guards)})


def _found(guards: Guards, text: str, asking: Principal, **options: Any) -> Finding:
    (finding,) = (one for one in guards.check(text, asking, **options) if one.check == "off_topic")
    return finding


def test_a_question_nobody_answers_is_refused_and_an_ordinary_one_is_not() -> None:
    guards, _ = _guards(checks=["length", "off_topic"])
    assert _found(guards, OUT, SOFIA).outcome == "refuse"
    assert "no agent answers this" in _found(guards, OUT, SOFIA).evidence
    assert _found(guards, IN, SOFIA).outcome == "allow"


def test_it_is_refused_as_well_where_the_role_has_one_agent_and_nothing_is_routed() -> None:
    guards, router = _guards(checks=["off_topic"])
    assert router.route(OUT, EVA) is not None
    assert _found(guards, OUT, EVA).outcome == "refuse"


def test_a_subject_of_agents_the_role_is_not_entitled_to_changes_no_score() -> None:
    more = {**EXAMPLES, ("board", "adapter"): [*EXAMPLES["board", "adapter"], OUT, f"{OUT} And why?"]}
    one, other = _guards(checks=["off_topic"])[0], _guards(checks=["off_topic"], examples=more)[0]
    for text in (IN, OUT, "Which bank gives the loan?"):
        assert _found(one, text, EVA) == _found(other, text, EVA)


def test_a_follow_up_is_judged_with_what_it_follows() -> None:
    guards, _ = _guards(checks=["off_topic"])
    assert _found(guards, "And in 1998?", SOFIA, earlier=[OUT]).outcome == "refuse"
    assert _found(guards, "And next year?", SOFIA, earlier=[IN]).outcome == "allow"


def test_the_projects_threshold_decides_and_an_agents_own_may_be_lower() -> None:
    usual, _ = _guards(checks=["off_topic"])
    score = _found(usual, OUT, SOFIA).score
    assert 0 < score < 1
    for threshold, outcome in ((score - 0.01, "refuse"), ((1 + score) / 2, "allow")):
        guards, _ = _guards(checks=["off_topic"], thresholds={"off_topic": threshold})
        assert _found(guards, OUT, SOFIA).outcome == outcome


def test_an_agent_may_be_asked_about_its_own_subject_alone() -> None:
    guards, _ = _guards(checks=["length"], agents={"handbook": {"checks": ["off_topic"]}})
    sales = "Which customers pay late?"
    assert not [one for one in guards.check(sales, SOFIA) if one.outcome == "refuse"]
    alone = _found(guards, sales, SOFIA, agent="handbook")
    assert alone.score > _found(guards, IN, SOFIA, agent="handbook").score
    assert alone.outcome == "refuse"


def test_where_nothing_is_learnt_it_refuses_and_says_why() -> None:
    guards, _ = _guards(checks=["off_topic"], learnt=["board"])
    finding = _found(guards, IN, EVA)
    assert finding.outcome == "refuse"
    assert "learnt" in finding.evidence


def test_it_reads_the_question_and_nothing_around_it() -> None:
    guards, _ = _guards(checks=["off_topic"])
    assert guards.reads("question")
    assert not guards.reads("context")
    assert guards.check("You are a helpful bot.", EVA, part="context") == []


def test_where_nothing_knows_the_agents_the_check_refuses_to_start() -> None:
    with pytest.raises(ProjectError, match="off_topic"):
        Guards(_project(checks=["off_topic"]))


def test_it_is_not_carried_out_unless_it_is_named() -> None:
    guards, _ = _guards()
    assert "off_topic" not in [one.check for one in guards.check(OUT, EVA)]
