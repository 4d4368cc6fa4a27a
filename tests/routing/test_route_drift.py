"""Whether people ask otherwise than before, from the numbers the record has."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.routing import Recorded, RoleDrift, Trained, recorded, role_drift
from allotment.routing._calibration import Calibration
from allotment.routing._drift import ASKED, ENOUGH, NOBODY

DECILES = (0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.98)
TRAINED = Trained(("rules", "plans"), "hash", Calibration(), 90, 0.95, 0.02, 0.9, DECILES[0], DECILES)


def some(count: int, ours: float, to: str, role: str = "clerk") -> list[Recorded]:
    return [Recorded(role, ours, to)] * count


USUAL = [*some(60, 0.9, "rules"), *some(36, 0.9, "plans"), *some(4, 0.3, NOBODY)]


def compared(now: list[Recorded], before: list[Recorded], trained: Trained | None = TRAINED) -> RoleDrift:
    return role_drift("clerk", now, before, trained)


def test_the_same_questions_as_before_are_no_drift() -> None:
    found = compared(USUAL, USUAL)
    assert (found.changed, found.advice) == ((), "As before; there is nothing to do.")
    assert found.now is not None
    assert (found.now.questions, found.now.median, found.now.low, found.now.nobody) == (100, 0.9, 0.04, 0.04)
    assert found.now.routes == {NOBODY: 0.04, "plans": 0.36, "rules": 0.6}
    assert (found.trained_median, found.trained_nobody) == (0.9, 0.02)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        ([*some(60, 0.5, "rules"), *some(40, 0.9, "plans")], "60 % of the questions lie far from what"),
        ([*some(60, 0.9, "rules"), *some(40, 0.3, NOBODY)], "40 % are nobody's, 4 % before"),
        ([*some(10, 0.9, "rules"), *some(86, 0.9, "plans"), *some(4, 0.3, NOBODY)], "86 % go to plans, 36 % before"),
        ([*some(56, 0.9, "rules"), *some(40, 0.9, ASKED), *some(4, 0.3, NOBODY)], "40 % go to asked back, 0 % before"),
    ],
)
def test_what_changed_beyond_chance_is_told_with_what_to_do(now: list[Recorded], told: str) -> None:
    found = compared(now, USUAL)
    assert any(one.startswith(told) for one in found.changed)
    assert "routing train" in found.advice


def test_of_too_few_questions_nothing_is_said() -> None:
    found = compared(some(ENOUGH - 1, 0.1, NOBODY), USUAL)
    assert (found.changed, found.advice) == ((), f"Too few questions to tell: {ENOUGH - 1} of at least {ENOUGH}.")
    assert "baseline" in compared(USUAL, []).advice
    assert "routing train" in compared(USUAL, USUAL, None).advice
    assert compared([], []).now is None


def test_questions_of_another_role_count_for_that_role_alone() -> None:
    assert compared(USUAL + some(500, 0.1, NOBODY, "boss"), USUAL) == compared(USUAL, USUAL)


def test_what_was_not_routed_by_what_was_learnt_is_left_out() -> None:
    detail: dict[str, Any] = {"routed": "examples", "ours": 0.8, "agent": "rules"}
    events: list[dict[str, Any]] = [
        {"role": "clerk", "detail": detail},
        {"role": "clerk", "detail": {**detail, "agent": None}},
        {"role": "clerk", "detail": {**detail, "agent": None, "agents": ["rules", "plans"]}},
        *({"role": "clerk", "detail": {**detail, "routed": by}} for by in ("role", "user", "conversation", None)),
        *({"role": "clerk", "detail": {**detail, "ours": wrong}} for wrong in (None, "0.8", True)),
        {"role": "clerk", "detail": None},
        {},
    ]
    assert [one.to for one in recorded(events)] == ["rules", NOBODY, ASKED]


_RECORDED = st.builds(
    Recorded, st.sampled_from(["clerk", "boss"]), st.floats(0, 1), st.sampled_from(["rules", "plans", NOBODY, ASKED])
)


@given(st.lists(_RECORDED, max_size=80), st.lists(_RECORDED, max_size=80))
def test_shares_add_up_and_the_same_period_twice_is_no_change(now: list[Recorded], before: list[Recorded]) -> None:
    found = compared(now, before)
    if found.now is not None:
        assert abs(sum(found.now.routes.values()) - 1) < 0.01
    assert compared(now, now).changed == ()
