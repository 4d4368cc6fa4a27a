"""What a generation would cost, and what other trainers get."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest_dataset import DECLARATION, Teacher

from allotment.dataset import Item, export, generate, plan
from allotment.errors import ProjectError
from allotment.project import Project
from allotment.workspace import Workspace

MakeProject = Callable[..., tuple[Project, Workspace]]
TEACHER = "models: {teacher: stand-in}\n"


def test_a_plan_before_anything_was_measured_names_calls_and_tokens_but_no_time(make_project: MakeProject) -> None:
    project, workspace = make_project(declaration=DECLARATION + TEACHER)
    result = plan(project, workspace, "helper")
    assert (result.sections, result.calls, result.done, result.minutes, result.measured) == (2, 2, 0, None, False)
    assert result.prompt_tokens > 100 and result.completion_tokens == 4 * 4 * 18


def test_a_plan_after_generation_has_nothing_left_to_do(make_project: MakeProject, good_teacher: Teacher) -> None:
    project, workspace = make_project(declaration=DECLARATION + TEACHER)
    generate(project, workspace, "helper", good_teacher)
    result = plan(project, workspace, "helper")
    assert (result.calls, result.done, result.completion_tokens, result.measured) == (0, 2, 0, True)


def test_a_plan_counts_what_the_ledger_lacks_at_the_measured_rate(
    make_project: MakeProject, good_teacher: Teacher
) -> None:
    project, workspace = make_project(declaration=DECLARATION + TEACHER)
    generate(project, workspace, "helper", good_teacher)
    rounds = project.dataset.model_copy(update={"rounds": 3})
    result = plan(project.model_copy(update={"dataset": rounds}), workspace, "helper")
    assert (result.calls, result.done, result.measured) == (4, 2, True)
    assert result.minutes is not None and result.minutes >= 0


def test_a_plan_for_an_unknown_agent_is_an_error(make_project: MakeProject) -> None:
    project, workspace = make_project()
    with pytest.raises(ProjectError, match="no agent 'x'"):
        plan(project, workspace, "x")


def item(split: str) -> Item:
    return Item("i", "g", "a", "s", "d.md", "Q?", "A is B.", "B", "en", frozenset({"r2", "r1"}), split)  # type: ignore[arg-type]


def test_each_format_has_the_fields_its_trainers_expect() -> None:
    (messages,) = export([item("train")], "messages")
    (alpaca,) = export([item("train")], "alpaca")
    (sharegpt,) = export([item("train")], "sharegpt")
    assert messages["messages"] == [{"role": "user", "content": "Q?"}, {"role": "assistant", "content": "A is B."}]
    assert (alpaca["instruction"], alpaca["input"], alpaca["output"]) == ("Q?", "", "A is B.")
    assert sharegpt["conversations"] == [{"from": "human", "value": "Q?"}, {"from": "gpt", "value": "A is B."}]
    assert messages["metadata"]["readers"] == ["r1", "r2"]


def test_held_out_questions_are_not_exported_for_training() -> None:
    both = [item("train"), item("held_out")]
    assert len(export(both, "messages")) == 1
    assert len(export(both, "messages", "held_out")) == 1
