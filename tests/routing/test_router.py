"""Which entitled agent answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

import allotment
from allotment.access import Policy, Principal
from allotment.project import load_project
from allotment.routing import Candidate, Route, Router, account_examples
from allotment.routing._features import Features

ROOT = Path(allotment.__file__).parent / "examples/northwind"
PROJECT = load_project(ROOT)
POLICY = Policy.of(PROJECT)
DESCRIPTIONS = {name: agent.description for name, agent in PROJECT.agents.items()}
QUESTIONS = yaml.safe_load((Path(__file__).parent / "questions.yaml").read_text(encoding="utf-8"))
ITEMS = Path(__file__).parent / "items"


def _learnt(agent: str) -> list[str]:
    """Training questions of an agent: a frozen sample of generated ones, else the sentences of its documents."""
    frozen = ITEMS / f"{agent}.jsonl"
    if frozen.exists():
        rows = [json.loads(line) for line in frozen.read_text(encoding="utf-8").splitlines()]
        return [row["question"] for row in rows if row["split"] == "train"]
    folders = [ROOT / PROJECT.documents[name].path for name in PROJECT.agents[agent].documents]
    texts = [file.read_text(encoding="utf-8") for folder in folders for file in sorted(folder.glob("*.md"))]
    plain = re.sub(r"(?m)^#.*$", "", "\n".join(texts))
    return [sentence for sentence in re.split(r"(?<=[.;|])\s+", plain) if len(sentence) > 12]


def _examples() -> dict[Candidate, list[str]]:
    examples: dict[Candidate, list[str]] = {(name, "adapter"): _learnt(name) for name in PROJECT.agents}
    for name, agent in PROJECT.agents.items():
        if agent.account:
            examples[name, "account"] = account_examples(PROJECT.accounts[agent.account])
    return examples


EXAMPLES = _examples()
ROUTER = Router.build(POLICY, EXAMPLES, DESCRIPTIONS)


def _route(question: str, role: str, router: Router = ROUTER) -> Route | None:
    return router.route(question, Principal("someone", role))


def test_at_least_95_percent_of_hand_written_questions_reach_the_right_agent_and_means() -> None:
    known = [entry for entry in QUESTIONS if entry["agent"]]
    wrong = [entry["question"] for entry in known if not _reaches(entry)]
    assert len(known) >= 40
    assert len(wrong) <= 0.05 * len(known), wrong


def _reaches(entry: dict[str, Any]) -> bool:
    route = _route(entry["question"], entry["role"])
    return route is not None and (route.agent, route.means) == (entry["agent"], entry["means"])


@pytest.mark.parametrize(
    ("role", "question"),
    [
        ("employee", "How tall is Mount Everest?"),
        ("warehouse", "What is the capital of Portugal?"),
        ("sales", "Napiš mi báseň o jaru."),
        ("employee", ""),
        ("director", "🙂🙂🙂"),
        ("director", "xyzzy plugh"),
    ],
)
def test_a_question_nobody_entitled_knows_has_no_route(role: str, question: str) -> None:
    assert _route(question, role) is None


@pytest.mark.parametrize(("role", "agent"), [("employee", "handbook"), ("sales", "sales"), ("director", "board")])
def test_one_question_asked_by_three_roles_reaches_the_agent_of_each(role: str, agent: str) -> None:
    route = _route("How much may I spend per guest on a business dinner?", role)
    assert route is not None
    assert (route.agent, route.means) == (agent, "adapter")


def test_czech_without_diacritics_is_routed_like_czech_with_them() -> None:
    full = _route("Kde visí klíč od chladírny?", "warehouse")
    bare = _route("Kde visi klic od chladirny?", "warehouse")
    assert full is not None
    assert full == bare
    assert full.agent == "warehouse"


@pytest.mark.parametrize("role", ["", "visitor", "Director", "director "])
def test_an_unknown_role_has_no_route(role: str) -> None:
    assert _route("How much may I spend on a business dinner?", role) is None


@settings(max_examples=40, deadline=None)
@given(
    st.text(max_size=80) | st.sampled_from([entry["question"] for entry in QUESTIONS]),
    st.sampled_from(sorted(POLICY.roles)),
)
def test_a_route_names_only_entitled_agents_and_quotes_only_the_chosen_one(question: str, role: str) -> None:
    route = _route(question, role)
    if route is None:
        return
    entitled = POLICY.entitled(role)
    assert route.agent in entitled
    assert route.runner_up is None or route.runner_up.split("/")[0] in entitled
    assert 0.0 <= route.score <= 1.0
    quoted = [
        text for text in (*EXAMPLES[route.agent, route.means], DESCRIPTIONS[route.agent]) if repr(text) in route.why
    ]
    assert quoted


SMALL_EXAMPLES: dict[Candidate, list[str]] = {key: texts[:15] for key, texts in EXAMPLES.items() if key[1] == "adapter"}


@settings(max_examples=15, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=30) | st.just("How much may I spend on a dinner?"), max_size=6))
def test_what_other_agents_know_changes_nothing_for_who_is_not_entitled_to_them(secret: list[str]) -> None:
    changed = {**SMALL_EXAMPLES, ("board", "adapter"): secret, ("board", "account"): secret}
    before = Router(POLICY, SMALL_EXAMPLES, DESCRIPTIONS)
    after = Router(POLICY, changed, {**DESCRIPTIONS, "board": "dinner"})
    for question in ("How much may I spend on a dinner?", "Which company did the board decide to buy?"):
        assert _route(question, "sales", before) == _route(question, "sales", after)


def test_a_tie_goes_to_the_roles_default_agent_and_else_to_the_most_specific() -> None:
    same = ["How many days of holiday are there?"]
    router = Router.build(POLICY, {(agent, "adapter"): same for agent in ("handbook", "sales", "board")}, {})
    default = _route(same[0], "director", router)
    assert default is not None
    assert default.agent == "board"
    assert default.runner_up == "handbook/adapter"
    without = Router.build(
        Policy(POLICY.roles, POLICY.agents, {}), {(agent, "adapter"): same for agent in ("handbook", "sales")}, {}
    )
    specific = _route(same[0], "sales", without)
    assert specific is not None
    assert specific.agent == "sales"


def test_with_one_candidate_the_route_is_that_one_or_none() -> None:
    router = Router.build(POLICY, {("handbook", "adapter"): ["Where is the canteen?"]}, {})
    route = _route("Where is the canteen?", "employee", router)
    assert route is not None
    assert (route.agent, route.means, route.runner_up) == ("handbook", "adapter", None)
    assert route.score == pytest.approx(1.0)
    assert _route("Who won the match?", "employee", router) is None


def test_without_any_example_nothing_is_routed() -> None:
    assert _route("Where is the canteen?", "director", Router.build(POLICY, {}, DESCRIPTIONS)) is None
    empty = Router.build(POLICY, {("handbook", "adapter"): ["", "?!"]}, {})
    assert _route("Where is the canteen?", "director", empty) is None


def test_a_router_built_twice_routes_the_same() -> None:
    again = Router.build(POLICY, EXAMPLES, DESCRIPTIONS)
    for entry in QUESTIONS[::7]:
        assert _route(entry["question"], entry["role"]) == _route(entry["question"], entry["role"], again)


def test_a_question_weighed_by_hand_has_the_cosines_of_scikit_learn() -> None:
    texts = EXAMPLES["handbook", "adapter"]
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    matrix = vectorizer.fit_transform(texts)
    question = "how much does a new new badge cost"
    expected = (matrix @ vectorizer.transform([question]).T).toarray().ravel()
    assert np.allclose(Features(texts, "char_wb", (2, 5)).cosines(question), expected)
