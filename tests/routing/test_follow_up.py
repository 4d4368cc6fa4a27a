"""Questions that only make sense after an earlier one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import allotment
from allotment.access import Policy, Principal
from allotment.project import load_project
from allotment.routing import Candidate, Route, Router, account_examples
from allotment.routing._follow import conversation, is_follow_up

PROJECT = load_project(Path(allotment.__file__).parent / "examples/northwind")
POLICY = Policy.of(PROJECT)
EXAMPLES: dict[Candidate, list[str]] = {
    ("handbook", "adapter"): [
        "How many days of holiday does an employee have?",
        "How is a holiday requested?",
        "What does a replacement badge cost?",
        "Where is the welcome session?",
    ],
    ("sales", "adapter"): [
        "What is the sales target for 2027?",
        "Which commission does a new customer bring?",
        "How much discount may I give?",
        "Jaký je prodejní cíl na rok 2027?",
    ],
    ("sales", "account"): account_examples(PROJECT.accounts["northwind_sales"]),
}
ROUTER = Router(POLICY, EXAMPLES, {})
SALES = Principal("sofia", "sales")


def _route(question: str, *context: str) -> Route:
    found = ROUTER.route(question, SALES, context)
    assert isinstance(found, Route)
    return found


@pytest.mark.parametrize(
    "question",
    ["and last year?", "And for 2026?", "What about London?", "a loni?", "A co v Praze?", "und in Wien?", "a vlani?"],
)
def test_a_continuation_is_known_as_one_in_four_languages(question: str) -> None:
    assert is_follow_up(question)


@pytest.mark.parametrize(
    "question",
    [
        "How many days of holiday does an employee have?",
        "Which customer has the most orders?",
        "Kde visí klíč od chladírny ve skladu?",
        "Wie viele Tage Urlaub hat ein Mitarbeiter?",
        "A new colleague arrives tomorrow, who is the guide?",
        "Co mám dělat při požáru v kuchyňce?",
        "How do I get to the office in Brno?",
    ],
)
def test_a_whole_question_is_none(question: str) -> None:
    assert not is_follow_up(question)
    assert list(conversation(question, ["What is the sales target for 2027?"], clear=False)) == []


@pytest.mark.parametrize("question", ["and last year?", "a loni?", "und im letzten Jahr?"])
@pytest.mark.parametrize(
    ("before", "agent"),
    [("What is the sales target for 2027?", "sales"), ("How many days of holiday does an employee have?", "handbook")],
)
def test_a_follow_up_stays_with_the_agent_of_the_conversation(question: str, before: str, agent: str) -> None:
    route = _route(question, before, "It is 27.")
    assert route.agent == agent
    assert route.why == f"the question follows an earlier one, which {agent} answers"


def test_a_follow_up_of_a_follow_up_stays_as_well() -> None:
    told = ("What is the sales target for 2027?", "6.35 million EUR.", "and last year?", "Not known.")
    assert _route("and in 2025?", *told).agent == "sales"


def test_a_question_that_clearly_leaves_goes_to_its_own_agent() -> None:
    route = _route("And how many days of holiday does an employee have?", "What is the sales target for 2027?")
    assert route.agent == "handbook"


def test_without_a_conversation_a_follow_up_is_routed_like_any_question() -> None:
    assert ROUTER.route("and last year?", SALES) == ROUTER.route("and last year?", SALES, [])


def test_a_conversation_about_what_nobody_answers_keeps_nothing() -> None:
    alone = ROUTER.route("a loni?", SALES)
    assert ROUTER.route("a loni?", SALES, ["How tall is Mount Everest?"]) == alone


@given(st.text(max_size=200), st.lists(st.text(max_size=200), max_size=20), st.booleans())
def test_what_is_looked_at_is_bounded_and_comes_from_the_conversation(
    question: str, context: list[str], clear: bool
) -> None:
    found = list(conversation(question, context, clear=clear))
    assert len(found) <= 8
    assert set(found) <= set(context)


@given(st.lists(st.text(max_size=60), max_size=4))
def test_a_conversation_never_reaches_an_agent_the_role_has_not(context: list[str]) -> None:
    asked = [*context, "What did the board decide?", "How many suppliers are there?"]
    found = ROUTER.route("and last year?", SALES, asked)
    assert not isinstance(found, Route) or found.agent in POLICY.entitled("sales")
