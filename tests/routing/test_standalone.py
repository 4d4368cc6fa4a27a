"""A question that leans on the one before it is asked as one with it: of the same user, and of the same agent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.access import Policy, Principal
from allotment.access._policy import AgentRule
from allotment.routing import Candidate, Router, standalone
from allotment.routing._follow import leans

GERMANY = "How many orders went to Germany?"


@pytest.mark.parametrize(
    ("earlier", "question", "whole"),
    [
        (GERMANY, "And to Sweden?", "How many orders went to Sweden?"),
        (GERMANY, "What about Sweden?", "How many orders went to Sweden?"),
        ("How many orders were shipped in 1997?", "and in 1998?", "How many orders were shipped in 1998?"),
        ("What revenue did we make this year?", "and last year?", "What revenue did we make last year?"),
        ("What is the sales target?", "and last year?", "What is the sales target last year?"),
        (
            "How many days of holiday are there?",
            "And for managers?",
            "How many days of holiday are there for managers?",
        ),
        ("Kolik objednávek šlo do Německa?", "A do Švédska?", "Kolik objednávek šlo do Švédska?"),
        ("Jaký je prodejní cíl na rok 2027?", "a loni?", "Jaký je prodejní cíl loni?"),
        ("Wie viele Kunden gibt es in Wien?", "und in Graz?", "Wie viele Kunden gibt es in Graz?"),
        (
            "How many orders to Germany were shipped in 1997?",
            "and to Sweden?",
            "How many orders to Sweden were shipped in 1997?",
        ),
        ("What does a badge cost?", "and?", "What does a badge cost?"),
        ("Who approves a discount?", "Why?", "Who approves a discount? Why?"),
        ("What does a guest cost?", "What about contractors?", "What does a guest cost? What about contractors?"),
    ],
)
def test_a_follow_up_becomes_a_question_that_stands_for_itself(earlier: str, question: str, whole: str) -> None:
    assert leans(question)
    assert standalone(earlier, question) == whole


@given(st.text(max_size=80), st.text(max_size=80))
def test_every_word_of_the_whole_is_one_of_the_two_questions(earlier: str, question: str) -> None:
    def words(text: str) -> set[str]:
        return {word.strip(" ?!.") for word in text.split()}

    assert words(standalone(earlier, question)) <= words(earlier) | words(question) | {""}


@pytest.mark.parametrize(
    "question",
    ["Parking in Brno?", "Vacation days", "And who approves a discount?", "How is a holiday requested?", "", "🙂"],
)
def test_a_short_question_of_its_own_leans_on_nothing(question: str) -> None:
    assert not leans(question)


BOTH = frozenset({"clerk", "boss"})
POLICY = Policy(
    BOTH,
    {
        "orders": AgentRule("orders", BOTH, BOTH, "orders"),
        "rules": AgentRule("rules", frozenset({"boss"}), BOTH, None),
    },
    {},
)
EXAMPLES: dict[Candidate, list[str]] = {
    ("orders", "adapter"): ["Who takes an order?", "When is an order shipped?", "What is a rush order?"],
    ("orders", "account"): [f"How many orders went to {place}?" for place in ("Germany", "France", "Austria", "Italy")],
    ("rules", "adapter"): ["How is a holiday requested?", "How many days of holiday are there?", "Who has a holiday?"],
}
ROUTER = Router(POLICY, EXAMPLES, {})
CLERK, BOSS = Principal("carl", "clerk"), Principal("berta", "boss")
HOLIDAY = "How is a holiday requested?"


def test_the_question_before_is_found_for_one_agent_for_several_and_for_a_named_one() -> None:
    assert ROUTER.routed("And to Sweden?", CLERK, earlier=[GERMANY]).after == GERMANY
    found = ROUTER.routed("and last year?", BOSS, earlier=[HOLIDAY, GERMANY])
    assert (found.by, found.after) == ("conversation", GERMANY)
    assert ROUTER.routed_to("And to Sweden?", "orders", BOSS, [GERMANY]).after == GERMANY


def test_a_follow_up_of_a_follow_up_is_asked_of_what_came_last() -> None:
    found = ROUTER.routed("and in 1998?", CLERK, earlier=[GERMANY, "And to Sweden?"])
    assert found.after == "How many orders went to Sweden?"
    named = ROUTER.routed_to("and in 1998?", "orders", BOSS, [HOLIDAY, GERMANY, "And to Sweden?", "and in 1997?"])
    assert named.after == "How many orders went to Sweden in 1997?"


def test_the_means_is_chosen_by_the_whole_question() -> None:
    for found in (
        ROUTER.routed("And to Sweden?", CLERK, earlier=[GERMANY]),
        ROUTER.routed_to("And to Sweden?", "orders", BOSS, [GERMANY]),
    ):
        assert found.outcome is not None
        assert found.outcome.means == "account"  # type: ignore[union-attr]


def test_what_another_agent_was_asked_is_never_told_to_the_one_that_answers() -> None:
    assert ROUTER.routed_to("and last year?", "orders", BOSS, [HOLIDAY]).after is None
    assert ROUTER.routed_to("and last year?", "orders", BOSS, [GERMANY, HOLIDAY]).after == GERMANY
    found = ROUTER.routed("And how many orders went to Austria?", BOSS, earlier=[HOLIDAY])
    assert found.after is None


def test_only_the_users_own_questions_are_asked_with_his_and_not_what_else_stands_around() -> None:
    found = ROUTER.routed("And to Sweden?", BOSS, context=["A program says: how many orders went to Germany?"])
    assert found.after is None
    assert ROUTER.routed("And to Sweden?", CLERK, context=[GERMANY]).after is None


@given(st.lists(st.sampled_from([GERMANY, HOLIDAY, "and to Italy?", "Hello"]), max_size=4), st.text(max_size=40))
def test_what_is_asked_with_a_question_is_always_one_the_same_agent_would_answer(earlier: list[str], text: str) -> None:
    for question in ("and last year?", "And to Sweden?", text):
        found = ROUTER.routed(question, BOSS, earlier=earlier)
        if found.after is not None:
            before = ROUTER.route(found.after, BOSS)
            assert set(found.after.strip("?").split()) <= set(" ".join(earlier).replace("?", "").split())
            assert before.agent == found.outcome.agent  # type: ignore[union-attr]
