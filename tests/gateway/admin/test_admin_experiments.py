"""Experiments on their page: how each run stands, curves over one another, what cannot be read, what is not shown."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import get_args

import pytest
from admin_place import Place, Visitor, experiment, write_metrics
from hypothesis import given
from hypothesis import strategies as st

from allotment.experiments import Curve, Journal, list_experiments, load_curves, load_table
from allotment.experiments._journal import State
from allotment.experiments._plan import experiments_dir, run_folder
from allotment.gateway.administration._chart import HEIGHT, WIDTH
from allotment.gateway.administration._experiments import chosen, curves_chart
from allotment.workspace import write_atomic

AsRole = Callable[[str | None], Visitor]


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


@pytest.fixture
def spare(place: Place) -> Iterator[str]:
    """An experiment that may be spoilt."""
    experiment(place.workspace, "spare")
    yield "spare"
    shutil.rmtree(experiments_dir(place.workspace) / "spare")


def test_runs_stand_in_the_order_of_what_decides_with_what_became_of_each(as_role: AsRole) -> None:
    page = as_role("olga").get("/admin/experiments/ranks")
    assert page.status_code == 200
    rows = [text_of(row) for row in re.findall(r"<tr.*?</tr>", page.text, re.S)[1:]]
    assert [row.split()[0] for row in rows] == ["2", "1", "3", "4"]  # of the last two nothing is known yet
    assert "keep" in rows[0] and "94 %" in rows[0] and "17 of 18" in rows[0] and "rank 16" in rows[0]
    assert "training" in rows[2] and "40" in rows[2]
    assert "numbers overflowed" in rows[3] and "the loss became nan at step 1. Take bf16." in rows[3]
    assert "allotment training run warehouse --from-experiment ranks/r2" in page.text


def test_curves_lie_over_one_another_and_the_run_to_keep_on_top(as_role: AsRole) -> None:
    page = as_role("olga").get("/admin/experiments/ranks").text
    drawn = re.findall(r'<path class="line (\w+)" d="M[^"]+"><title>([^<]+)</title>', page)
    assert drawn == [
        ("other", "run 1: rank 4"),
        ("other", "run 4: rank 64, precision fp16"),
        ("running", "run 3: rank 64"),
        ("kept", "run 2: rank 16"),
    ]
    legend = re.search(r'<ul class="plot-legend">(.*?)</ul>', page, re.S)
    assert legend and text_of(legend[1]).split() == ["other", "runs", "at", "work", "the", "run", "to", "keep"]


def test_a_page_follows_the_runs_until_none_is_at_work(place: Place, as_role: AsRole, spare: str) -> None:
    olga, folder = as_role("olga"), experiments_dir(place.workspace) / spare
    live = f"/admin/experiments/{spare}/live"
    assert f'hx-get="{live}"' in olga.get(live).text
    write_metrics(run_folder(folder, "r3") / "work" / "metrics.jsonl", 60, 0.2)
    assert re.search(r">60<", olga.get(live).text)
    Journal(folder).ends("r3", 1, "ok", seconds=90, outcome={"recall": 0.5, "right": 9, "asked": 18})
    page = olga.get(live).text
    assert "hx-get" not in page and "ended" in text_of(page)


def test_every_experiment_is_listed_and_one_that_cannot_be_read_says_so(
    place: Place, as_role: AsRole, spare: str
) -> None:
    write_atomic(experiments_dir(place.workspace) / spare / "plan.json", "{")
    page = text_of(as_role("olga").get("/admin/experiments").text)
    assert re.search(r"ranks warehouse .* 2 / 4 1 0 1 .* ranks/r2", page)
    assert "spare not readable" in page
    assert as_role("olga").get(f"/admin/experiments/{spare}").status_code == 409
    assert {one.name for one in list_experiments(place.workspace)} == {"ranks", "spare"}


@pytest.mark.parametrize("name", ["none", "a%00b", "ranks%2f..", "x" * 300, "<script>"])
def test_an_experiment_that_is_not_there_is_told_in_words(as_role: AsRole, name: str) -> None:
    page = as_role("olga").get(f"/admin/experiments/{name}")
    assert page.status_code == 404 and "<script>" not in page.text


def test_who_may_not_see_training_sees_no_experiment(as_role: AsRole) -> None:
    for path in ("/admin/experiments", "/admin/experiments/ranks", "/admin/experiments/ranks/live"):
        for user in ("sofia", "eva", "sam"):
            page = as_role(user).get(path)
            assert page.status_code == 403 and "rank 16" not in page.text
        assert as_role(None).get(path).status_code == 303


@given(st.lists(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=8), max_size=80))
def test_every_curve_is_drawn_inside_the_picture_or_not_at_all(place: Place, losses: list[list[float]]) -> None:
    known = load_table(place.workspace, "ranks").rows[0]
    rows = [replace(known, id=f"x/{number}", number=number) for number in range(len(losses))]
    curves = [Curve(f"x/{number}", number, "", tuple(enumerate(values, 1)), ()) for number, values in enumerate(losses)]
    chart = curves_chart(curves, rows, "x/0", "x")
    if chart is None:
        assert not any(abs(value) < float("inf") for values in losses for value in values)
        return
    assert len(chart.lines) == len(curves)
    for line in chart.lines:
        places = [float(one) for one in re.findall(r"-?\d+(?:\.\d+)?", line.path)]
        assert all(-1 <= x <= WIDTH + 1 for x in places[::2])
        assert all(-1 <= y <= HEIGHT + 1 for y in places[1::2])
        assert "nan" not in line.path and "inf" not in line.path


@given(st.lists(st.sampled_from(get_args(State)), max_size=30), st.integers(1, 30), st.integers(0, 29))
def test_of_many_runs_the_one_to_keep_and_those_at_work_are_shown_first(
    place: Place, states: list[State], most: int, kept: int
) -> None:
    known = load_table(place.workspace, "ranks").rows[0]
    rows = [replace(known, id=f"x/{number}", state=state) for number, state in enumerate(states)]
    shown = chosen(rows, f"x/{kept}", most)
    assert len(shown) == min(most, len(rows)) and shown == [row for row in rows if row in shown]
    urgent = [row for row in rows if row.id == f"x/{kept}" or row.state == "running"]
    assert [row for row in urgent if row in shown] == urgent[:most]


def test_of_runs_that_are_not_drawn_nothing_is_read(place: Place) -> None:
    assert [curve.id for curve in load_curves(place.workspace, "ranks", {"ranks/r3"})] == ["ranks/r3"]
    assert load_curves(place.workspace, "ranks", set()) == []
