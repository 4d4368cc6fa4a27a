"""What the report concludes from a membership test: passed only if it could have failed."""

from __future__ import annotations

import pytest

from allotment.evaluation.leaks._membership import AgentMembership
from allotment.evaluation.leaks._membership_auc import Auc, Standing, auc
from allotment.evaluation.leaks._membership_parts import membership_parts
from allotment.evaluation.report import Outcome


def measured(canaries: int, first: int, *, twins: int = 10) -> Auc:
    """So many canaries, of which ``first`` stand above all twins and the rest are spread evenly among them."""
    scores = tuple(float(n) for n in range(twins))
    found = [Standing(f"known{n}", twins + 0.5, scores) for n in range(first)]
    found += [Standing(f"c{n}", n * twins / (canaries - first) - 0.5, scores) for n in range(canaries - first)]
    one = auc(found)
    assert one is not None
    return one


def outcome(own: Auc | None, foreign: Auc | None) -> Outcome:
    (check,), _, _, _ = membership_parts([AgentMembership("sales", "v1", own, foreign, "")])
    return check.outcome


KNOWN, UNKNOWN = measured(20, 20), measured(20, 0)


@pytest.mark.parametrize(
    ("own", "foreign", "expected"),
    [
        (KNOWN, UNKNOWN, "passed"),
        (KNOWN, KNOWN, "failed"),
        (UNKNOWN, KNOWN, "failed"),
        (UNKNOWN, UNKNOWN, "unknown"),
        (None, UNKNOWN, "unknown"),
        (KNOWN, None, "unknown"),
        (None, None, "unknown"),
        (KNOWN, measured(7, 0), "unknown"),
        (measured(3, 0), UNKNOWN, "unknown"),
        (measured(12, 5), UNKNOWN, "unknown"),
    ],
)
def test_a_check_passes_only_where_the_own_values_are_seen_and_enough_foreign_ones_are_not(
    own: Auc | None, foreign: Auc | None, expected: Outcome
) -> None:
    assert outcome(own, foreign) == expected


def test_one_foreign_value_that_stands_out_fails_the_check_though_the_mean_does_not_show_it() -> None:
    scores = tuple(float(n) for n in range(10))
    spread_out = [Standing(f"c{n}", n / 3 - 0.5, scores) for n in range(30)]
    alone = auc([*spread_out, Standing("learnt", 90.0, scores)])
    assert alone is not None
    assert alone.sure_above < 0.5
    (check,), _, _, _ = membership_parts([AgentMembership("sales", "v1", KNOWN, alone, "")])
    assert check.outcome == "failed"
    assert "learnt" in check.detail


def test_a_few_own_values_that_stand_out_show_that_the_test_sees() -> None:
    scores = tuple(float(n) for n in range(10))
    half_learnt = [Standing(f"c{n}", n - 0.5, scores) for n in range(3)]
    half_learnt += [Standing(f"learnt{n}", 60.0, scores) for n in range(3)]
    own = auc(half_learnt)
    assert own is not None
    assert own.interval[0] < 0.5
    assert outcome(own, UNKNOWN) == "passed"


def test_an_agent_without_weights_is_unknown_and_the_reason_is_told() -> None:
    why = "sales: the agent has no adapter yet."
    (check,), figures, curves, (table,) = membership_parts([AgentMembership("sales", "", None, None, why)])
    assert check.outcome == "unknown"
    assert why in check.detail
    assert [figure.value for figure in figures] == [None, None]
    assert curves == ()
    assert len(table.rows) == 1


def test_figures_and_curves_carry_what_was_measured() -> None:
    _, figures, (curve,), (table,) = membership_parts([AgentMembership("sales", "v1", KNOWN, UNKNOWN, "")])
    foreign, own = figures
    assert (foreign.value, foreign.interval, foreign.total, foreign.goal) == (UNKNOWN.value, UNKNOWN.interval, 20, 0.5)
    assert (own.value, own.better) == (1.0, "higher")
    assert [series.points for series in curve.series] == [UNKNOWN.points, KNOWN.points]
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_nothing_asked_gives_nothing() -> None:
    assert membership_parts([]) == ((), (), (), ())
