"""What ``routing train`` keeps, and how a router is measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allotment.access import Policy
from allotment.access._policy import AgentRule
from allotment.errors import IntegrityError
from allotment.routing import (
    Asked,
    Candidate,
    Drift,
    Router,
    Trained,
    evaluate_router,
    load_trained,
    save_trained,
)
from allotment.routing._calibration import Calibration, fit_calibration
from allotment.workspace import Workspace

RULES = [f"How is the {thing} requested?" for thing in ("holiday", "badge", "laptop", "desk", "parking place", "key")]
PLANS = [f"When will the {thing} be opened?" for thing in ("shop", "hall", "office", "bakery", "dock", "garage")]
SECRET = [f"Who buys the {thing}?" for thing in ("factory", "vineyard", "mill", "island", "castle", "ship")]
EXAMPLES: dict[Candidate, list[str]] = {
    ("rules", "adapter"): RULES,
    ("plans", "adapter"): PLANS,
    ("deals", "adapter"): SECRET,
}
BOTH = frozenset({"clerk", "boss"})
AGENTS = {
    "rules": AgentRule("rules", BOTH, BOTH, None),
    "plans": AgentRule("plans", BOTH, BOTH, None),
    "deals": AgentRule("deals", frozenset({"boss"}), frozenset({"boss"}), None),
}
POLICY = Policy(BOTH, AGENTS, {})
CLERK = POLICY.entitled("clerk")


def _router(examples: dict[Candidate, list[str]] = EXAMPLES, trained: Sequence[Trained] = ()) -> Router:
    return Router(POLICY, examples, {}, trained=trained)


def _train(agents: tuple[str, ...] = CLERK) -> Trained:
    fitted = _router().train(agents)
    assert fitted is not None
    return fitted


def test_training_measures_each_agents_own_questions_where_they_are_not_learnt() -> None:
    fitted = _train()
    assert fitted.agents == CLERK
    assert fitted.questions == len(RULES) + len(PLANS)
    assert fitted.right >= 0.9
    assert 0.0 <= fitted.rejected <= 1.0
    assert fitted.outside_found >= 0.8


def test_fitted_numbers_hold_for_exactly_these_examples() -> None:
    trained = [_train()]
    assert _router(trained=trained).is_trained(CLERK)
    learned = _router(trained=trained).learned(CLERK)
    assert learned is not None
    assert learned.calibration == trained[0].calibration
    changed = _router({**EXAMPLES, ("plans", "adapter"): [*PLANS, "When does the sale end?"]}, trained=trained)
    assert not changed.is_trained(CLERK)
    usual = changed.learned(CLERK)
    assert usual is not None
    assert usual.calibration == Calibration()


def test_an_agent_of_others_may_change_and_the_numbers_still_hold() -> None:
    changed = _router({**EXAMPLES, ("deals", "adapter"): ["Who sells?"]}, trained=[_train()])
    assert changed.is_trained(CLERK)


def test_what_was_kept_is_read_back(tmp_path: Path) -> None:
    entries = [_train(), _train(POLICY.entitled("boss"))]
    save_trained(Workspace(tmp_path), entries)
    assert list(load_trained(Workspace(tmp_path)).values()) == entries


def test_nothing_trained_is_no_error(tmp_path: Path) -> None:
    assert load_trained(Workspace(tmp_path)) == {}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"threshold": ', '"threshold": 0.99, "was": '),
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "\x00" * 10,
        lambda text: json.dumps({"seal": "", "entries": []}),
    ],
)
def test_a_file_that_is_not_what_was_written_is_refused(tmp_path: Path, spoil: object) -> None:
    workspace = Workspace(tmp_path)
    save_trained(workspace, [_train()])
    assert callable(spoil)
    workspace.routing_file.write_text(spoil(workspace.routing_file.read_text("utf-8")), "utf-8")
    with pytest.raises(IntegrityError, match="routing train"):
        load_trained(workspace)


SCORES = st.lists(st.lists(st.floats(-3, 3), min_size=4, max_size=4), min_size=1, max_size=30)


@settings(max_examples=40, deadline=None)
@given(SCORES)
def test_fitted_numbers_stay_within_their_bounds_whatever_was_measured(rows: list[list[float]]) -> None:
    scores = np.array([row[:3] for row in rows])
    near = np.abs([row[3] for row in rows]) / 3
    labels = np.array([number % 3 for number in range(len(rows))])
    fitted = fit_calibration(scores, near, labels)
    assert 0.5 <= fitted.slope <= 8
    assert 0 <= fitted.nearness <= 12
    assert 0.5 <= fitted.threshold <= 1
    found = fitted.probabilities(scores, near)
    assert np.allclose(found.sum(axis=1), 1)


def test_an_evaluation_counts_agents_rejections_and_what_nobody_answers() -> None:
    questions = [
        Asked("How is the holiday requested?", "clerk", "rules", "adapter"),
        Asked("When will the bakery be opened?", "clerk", "plans"),
        Asked("When will the bakery be opened?", "clerk", "rules"),
        Asked("Who won the football match last night?", "clerk"),
        Asked("How is the badge requested?", "clerk", labelled=False),
    ]
    found = evaluate_router(_router(), POLICY, questions, [_train()])
    assert (found.questions, found.agent_right, found.rejected, found.outside_found) == (5, 0.6667, 0.0, 1.0)
    assert [(one.question.agent, one.got) for one in found.missed] == [("rules", "plans/adapter")]
    assert found.drift["clerk"].questions == 5
    assert found.p95_ms >= found.p50_ms > 0


def test_questions_far_from_the_examples_are_reported_as_drift() -> None:
    far = [Asked(f"What about the {word}?", "clerk", labelled=False) for word in ("moon", "opera", "goulash") * 5]
    near = [Asked(text, "clerk", labelled=False) for text in (*RULES, *PLANS)]
    trained = [_train()]
    assert evaluate_router(_router(), POLICY, far, trained).drift["clerk"].lower
    assert not evaluate_router(_router(), POLICY, near, trained).drift["clerk"].lower


def test_a_few_low_questions_are_chance() -> None:
    assert not Drift(10, 2).lower
    assert not Drift(100, 15).lower
    assert Drift(100, 25).lower
    assert not Drift(0, 0).lower
