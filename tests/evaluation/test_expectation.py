"""Answers compared with what a file of asks expects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import allotment
from allotment.errors import ProjectError
from allotment.evaluation import expect_answer

ASKS = yaml.safe_load((Path(allotment.__file__).parent / "examples/northwind/asks.yaml").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class _Answer:
    outcome: str
    agent: str | None
    text: str


@pytest.mark.parametrize("ask", ASKS, ids=[ask["question"][:40] for ask in ASKS])
def test_every_expectation_of_the_example_is_met_by_the_answer_it_describes(ask: dict[str, dict[str, str]]) -> None:
    expect = ask["expect"]
    answer = _Answer(expect["outcome"], expect.get("agent"), f"So: {expect.get('contains', '')}.")
    assert expect_answer(answer, expect).met
    failed = expect_answer(_Answer("failed", expect.get("agent"), answer.text), expect)
    assert not failed.met
    assert "outcome" in failed.problems[0]


def test_a_value_inside_another_number_does_not_meet_the_expectation() -> None:
    expect = {"outcome": "answered", "agent": "warehouse", "contains": "0"}
    assert expect_answer(_Answer("answered", "warehouse", "The count is 0."), expect).met
    verdict = expect_answer(_Answer("answered", "warehouse", "The count is 10."), expect)
    assert verdict.problems == ("the text does not hold '0'",)


def test_another_agent_does_not_meet_the_expectation() -> None:
    verdict = expect_answer(_Answer("answered", "sales", "95 EUR"), {"outcome": "answered", "agent": "board"})
    assert verdict.problems == ("agent is 'sales', expected 'board'",)


@pytest.mark.parametrize("expect", [{}, {"outcome": "maybe"}, {"outcome": "answered", "contain": "x"}])
def test_a_wrong_expectation_is_an_error_and_never_met(expect: dict[str, str]) -> None:
    with pytest.raises(ProjectError):
        expect_answer(_Answer("answered", "sales", "x"), expect)
