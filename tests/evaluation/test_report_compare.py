"""What changed since an earlier report."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from report_example import EXAMPLE
from report_reports import REPORTS

from allotment.errors import InputError
from allotment.evaluation.report import Changes, Check, Figure, Report, compare

EMPTY = replace(EXAMPLE, checks=(), figures=())
SHARE = Figure("share", "Right", 0.8, "higher", (0.7, 0.9), 100)
HITS = Figure("hits", "Found", 0, "lower", (0.0, 3.0), 100, 0.0, "count")


def changed(before: Check | Figure, now: Check | Figure) -> str:
    """Where the one change is listed; nothing where there is none."""
    part = "checks" if isinstance(before, Check) else "figures"
    found = compare(replace(EMPTY, **{part: (now,)}), replace(EMPTY, **{part: (before,)}))
    return " ".join(name for name in ("worse", "better", "new", "gone") if getattr(found, name))


@settings(max_examples=25)
@given(REPORTS)
def test_a_report_is_no_worse_than_itself(report: Report) -> None:
    found = compare(report, report, "00")
    assert found == Changes(report.created, "00")
    assert not found.got_worse


@pytest.mark.parametrize(
    ("before", "now", "where"),
    [
        ("passed", "failed", "worse"),
        ("passed", "unknown", "worse"),
        ("unknown", "failed", "worse"),
        ("failed", "unknown", "better"),
        ("failed", "passed", "better"),
        ("unknown", "passed", "better"),
        ("unknown", "unknown", ""),
    ],
)
def test_a_check_is_worse_or_better_by_its_outcome(before: str, now: str, where: str) -> None:
    assert changed(Check("c", "C", before), Check("c", "C", now)) == where  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "now", "where"),
    [
        (SHARE, replace(SHARE, value=0.6, interval=(0.5, 0.7)), "worse"),
        (SHARE, replace(SHARE, value=0.6, interval=(0.5, 0.85)), ""),
        (SHARE, replace(SHARE, value=0.75, interval=(0.74, 0.76)), ""),
        (SHARE, replace(SHARE, value=0.95, interval=(0.92, 0.97)), "better"),
        (SHARE, replace(SHARE, value=0.6, interval=None), "worse"),
        (replace(SHARE, better="neither"), replace(SHARE, better="neither", value=0.1, interval=(0, 0.2)), ""),
        (SHARE, replace(SHARE, value=None, interval=None), "worse"),
        (replace(SHARE, value=None), SHARE, "better"),
        (HITS, replace(HITS, value=1, interval=(0.0, 5.0)), "worse"),
        (replace(HITS, value=2), replace(HITS, value=1), "better"),
        (HITS, HITS, ""),
        (replace(HITS, goal=None), replace(HITS, goal=None, value=1, interval=(0, 5)), ""),
        (replace(SHARE, unit="seconds", interval=None), replace(SHARE, unit="seconds", interval=None, value=0.1), ""),
    ],
)
def test_a_figure_is_worse_where_that_is_more_than_chance(before: Figure, now: Figure, where: str) -> None:
    assert changed(before, now) == where


def test_what_is_not_looked_at_any_more_is_worse_and_what_is_new_is_not() -> None:
    both = replace(EMPTY, checks=(Check("c", "C", "failed"),), figures=(SHARE,))
    gone, new = compare(EMPTY, both), compare(both, EMPTY)
    assert [change.subject for change in gone.gone] == [change.subject for change in new.new] == ["check", "figure"]
    assert gone.got_worse and not new.got_worse


@pytest.mark.parametrize("other", [replace(EMPTY, kind="attacks"), replace(EMPTY, project="Another")])
def test_another_evaluation_or_project_is_no_baseline(other: Report) -> None:
    with pytest.raises(InputError, match="the baseline is of another"):
        compare(EMPTY, other)
