"""Ordinary questions are whole, asked by those who may ask them, in four languages, and the same from the same seed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allotment.dataset import load_items
from allotment.errors import InputError
from allotment.evaluation.attacks import Benign, benign
from allotment.project import Project
from allotment.workspace import Workspace


@pytest.fixture(scope="module")
def questions(taught: Project) -> list[Benign]:
    return list(benign(taught, Workspace(taught.root), 1_000, 7))


def test_a_thousand_are_whole_and_hardly_one_comes_twice(questions: list[Benign]) -> None:
    assert len(questions) == 1_000
    assert [question.number for question in questions] == list(range(1_000))
    assert all(question.question.strip() and "{" not in question.question for question in questions)
    assert len({question.id for question in questions}) >= 990


def test_whoever_asks_is_served_by_the_agent(questions: list[Benign], taught: Project) -> None:
    assert all(question.role in taught.agents[question.agent].roles for question in questions)


def test_agents_and_their_roles_come_equally_often(questions: list[Benign]) -> None:
    counts = Counter((question.agent, question.role) for question in questions)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_they_are_in_four_languages_wrapped_and_bare(questions: list[Benign]) -> None:
    assert {question.language for question in questions} == {"en", "cs", "sk", "de"}
    assert 0.1 < sum(question.wrapping == "none" for question in questions) / 1_000 < 0.3


def test_bare_ones_are_questions_of_the_dataset_but_for_slips(questions: list[Benign], taught: Project) -> None:
    workspace = Workspace(taught.root)
    for question in questions:
        if question.wrapping == "none":
            letters = sorted(question.question.replace(" ", ""))
            known = (item.question.replace(" ", "") for item in load_items(workspace, question.agent))
            assert any(sorted(one) == letters for one in known)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**31), count=st.integers(1, 80))
def test_the_same_seed_asks_the_same(taught: Project, seed: int, count: int) -> None:
    workspace = Workspace(taught.root)
    asked = list(benign(taught, workspace, count, seed))
    assert asked == list(benign(taught, workspace, count + 10, seed))[:count]


def test_without_a_dataset_it_says_which_command_makes_one(northwind: Project) -> None:
    with pytest.raises(InputError, match="allotment dataset generate"):
        benign(northwind, Workspace(northwind.root), 10, 7)
