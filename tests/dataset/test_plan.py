"""What a generation will cost is known before it is started, and a limit stops before it is reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

import pytest
from conftest_dataset import DECLARATION, Teacher, good_reply
from hypothesis import given
from hypothesis import strategies as st

from allotment.dataset import generate, plan
from allotment.dataset._budget import Budget
from allotment.errors import DatasetError, ProjectError
from allotment.models import Ask, Message, price_of
from allotment.project import ModelPrice, ModelsConfig, Project
from allotment.workspace import Ledger, Workspace

MakeProject = Callable[..., tuple[Project, Workspace]]
TEACHER = "models: {teacher: stand-in, prices: {stand-in: {input: 1.0, output: 4.0, as_of: 2026-11-01}}}\n"


def test_a_plan_before_anything_was_measured_names_calls_tokens_and_price_but_no_time(
    make_project: MakeProject,
) -> None:
    project, workspace = make_project(declaration=DECLARATION + TEACHER)
    result = plan(project, workspace, "helper")
    assert (result.sections, result.done, result.minutes, result.measured, result.error_share) == (2, 0, None, 0, None)
    assert result.calls == 3  # one for each section, and one second try
    assert result.prompt_tokens > 100 and result.completion_tokens > 4 * 4 * 18
    assert result.price_usd == pytest.approx((result.prompt_tokens + 4 * result.completion_tokens) / 1e6, abs=1e-4)
    assert result.price_as_of == "2026-11-01"


def test_a_sample_is_measured_kept_and_gives_time_and_error(make_project: MakeProject, good_teacher: Teacher) -> None:
    project, workspace = make_project(declaration=DECLARATION.replace("rounds: 1", "rounds: 2") + TEACHER)
    result = plan(project, workspace, "helper", teacher=good_teacher, sample=2)
    assert (result.measured, len(good_teacher.asked)) == (2, 2)
    assert result.minutes is not None and result.error_share is not None and result.error_share >= 0
    plan(project, workspace, "helper", teacher=good_teacher, sample=2)
    assert len(good_teacher.asked) == 2
    generate(project, workspace, "helper", good_teacher)
    ledger = Ledger(workspace.dataset_dir("helper") / "ledger.jsonl")
    assert len(good_teacher.asked) == len(ledger)


def test_a_plan_after_generation_has_nothing_left_to_do(make_project: MakeProject, good_teacher: Teacher) -> None:
    project, workspace = make_project(declaration=DECLARATION + TEACHER)
    generate(project, workspace, "helper", good_teacher)
    result = plan(project, workspace, "helper")
    assert (result.calls, result.done, result.completion_tokens, result.price_usd) == (0, 2, 0, 0)
    assert (result.measured, result.error_share) == (2, 0)


def test_a_plan_counts_what_the_ledger_lacks_at_the_measured_rate(
    make_project: MakeProject, good_teacher: Teacher
) -> None:
    project, workspace = make_project(declaration=DECLARATION + TEACHER)
    before = plan(project, workspace, "helper")
    generate(project, workspace, "helper", good_teacher)
    rounds = project.dataset.model_copy(update={"rounds": 3})
    result = plan(project.model_copy(update={"dataset": rounds}), workspace, "helper")
    assert (result.done, result.measured) == (2, 2)
    assert result.calls > 0 and result.minutes is not None
    assert result.completion_tokens != before.completion_tokens


def test_a_batch_endpoint_costs_what_its_discount_leaves(make_project: MakeProject) -> None:
    prices = TEACHER.replace("output: 4.0", "output: 4.0, batch_discount: 0.5")
    project, workspace = make_project(declaration=DECLARATION + prices)
    full, half = plan(project, workspace, "helper").price_usd, plan(project, workspace, "helper", batch=True).price_usd
    assert full is not None and half == pytest.approx(full / 2, abs=1e-4)


def test_a_plan_for_an_unknown_agent_is_an_error(make_project: MakeProject) -> None:
    project, workspace = make_project()
    with pytest.raises(ProjectError, match="no agent 'x'"):
        plan(project, workspace, "x")


def test_no_price_is_guessed_for_a_hosted_model_and_none_is_taken_for_one_of_this_machine() -> None:
    config = ModelsConfig()
    assert price_of("https://host.example/v1#gpt-4o-mini", config) is not None
    assert price_of("https://host.example/v1#gpt-4o-mini", config).as_of == date(2024, 7, 18)  # type: ignore[union-attr]
    assert price_of("https://host.example/v1#nobody-knows", config) is None
    for free in ("qwen2.5-coder-1.5b-instruct", "http://127.0.0.1:8000/v1#any", "http://localhost/v1#any"):
        assert price_of(free, config) == ModelPrice(input=0, output=0)
    own = ModelsConfig(prices={"gpt-4o-mini": ModelPrice(input=9, output=9)})
    assert price_of("https://host.example/v1#gpt-4o-mini", own) == ModelPrice(input=9, output=9)


def test_a_limit_without_a_price_stops_before_anything_is_asked(
    make_project: MakeProject, good_teacher: Teacher
) -> None:
    project, workspace = make_project()
    good_teacher.name = "https://host.example/v1#nobody-knows"
    with pytest.raises(DatasetError, match=r"no price is known.*models\.prices"):
        generate(project, workspace, "helper", good_teacher, max_cost_usd=5)
    assert good_teacher.asked == []


def test_a_limit_stops_before_it_is_reached_and_the_next_run_goes_on(
    make_project: MakeProject, good_teacher: Teacher
) -> None:
    project, workspace = make_project(declaration=DECLARATION.replace("rounds: 1", "rounds: 2") + TEACHER)
    project = project.model_copy(update={"models": project.models.model_copy(update={"teacher": "stand-in"})})
    good_teacher.parallel = 1
    limit = 0.004
    with pytest.raises(DatasetError, match=r"stopped after .* USD.*Raise --max-cost"):
        generate(project, workspace, "helper", good_teacher, max_cost_usd=limit)
    asked = len(good_teacher.asked)
    assert 0 < asked < 4
    assert _price(workspace) <= limit
    generate(project, workspace, "helper", good_teacher, max_cost_usd=1)
    ledger = Ledger(workspace.dataset_dir("helper") / "ledger.jsonl")
    assert len(good_teacher.asked) == len(ledger)


def _price(workspace: Workspace) -> float:
    rows = Ledger(workspace.dataset_dir("helper") / "ledger.jsonl").rows.values()
    return sum(row["prompt_tokens"] + 4 * row["completion_tokens"] for row in rows) / 1e6


_ASKS = st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 2000), st.floats(0, 1), st.booleans()), max_size=40)


@given(asks=_ASKS, limit=st.floats(0, 0.05))
def test_what_is_spent_never_exceeds_the_limit_whatever_answers_cost(
    asks: Sequence[tuple[int, int, float, bool]], limit: float
) -> None:
    budget = Budget(limit, ModelPrice(input=1.0, output=10.0))
    flying: list[tuple[Ask, int, int]] = []
    for number, (letters, most, share, lands) in enumerate(asks):
        ask = Ask(str(number), [Message("user", "x" * letters)], max_tokens=most)
        if budget.take(ask):
            flying.append((ask, letters // 4, int(most * share)))
        if lands and flying:
            budget.settle(*flying.pop(0))
        assert budget.spent_usd <= limit + 1e-9
    for landed in flying:
        budget.settle(*landed)
    assert budget.spent_usd <= limit + 1e-9


def test_a_request_that_may_have_been_computed_is_booked_at_the_most() -> None:
    budget = Budget(1.0, ModelPrice(input=0.0, output=10.0))
    asks = [Ask(str(n), [Message("user", "x")], max_tokens=1000) for n in range(2)]
    assert all(budget.take(ask) for ask in asks)
    budget.fail(asks[0], "rate-limited")
    assert budget.spent_usd == 0
    budget.fail(asks[1], "timeout")
    assert budget.spent_usd == pytest.approx(0.01)


def test_everything_a_teacher_wrote_is_the_same_dataset_with_and_without_a_sample(make_project: MakeProject) -> None:
    project, workspace = make_project(declaration=DECLARATION + TEACHER)
    plan(project, workspace, "helper", teacher=Teacher(good_reply), sample=1)
    counts = generate(project, workspace, "helper", Teacher(good_reply))
    assert (counts.asked, counts.accepted) == (4, 4)
