"""Shares with their intervals, and the curves that an evaluation draws."""

from __future__ import annotations

import json
import math
import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score, roc_curve

from allotment.guards import Finding, allow, refuse
from allotment.guards.training import Curve, Item, Point, Share, by_set, curves_by_check, curves_svg, judge
from allotment.guards.training._figures import POINTS, curve

SCORES = st.lists(st.integers(0, 20).map(lambda value: value / 20), min_size=1, max_size=60)
ANYWHERE = Point(0.5, 0.1, 0.9)


def test_wilsons_interval_is_the_published_one() -> None:
    low, high = Share(81, 263).interval  # Newcombe, Statistics in Medicine 17 (1998), table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    assert (round(Share(0, 20).interval[1], 4), Share(0, 20).interval[0]) == (0.1611, 0.0)
    assert round(Share(1, 29).interval[0], 4) == 0.0061


@given(st.integers(0, 400), st.integers(1, 400))
def test_an_interval_holds_the_share_and_stays_between_0_and_1(hits: int, more: int) -> None:
    share = Share(hits, hits + more)
    low, high = share.interval
    assert 0 <= low <= share.value <= high <= 1
    again = Share(10 * hits, 10 * (hits + more)).interval
    assert again[1] - again[0] < high - low


@given(SCORES, SCORES)
def test_a_curve_lies_on_the_roc_of_its_scores_and_has_its_area(high: list[float], low: list[float]) -> None:
    found = curve(high, low, ANYWHERE)
    labels = [1] * len(high) + [0] * len(low)
    false, recall, _ = roc_curve(labels, high + low, drop_intermediate=False)
    on = {(round(x, 9), round(y, 9)) for x, y in zip(false, recall, strict=True)}
    assert {(round(point.false_positives, 9), round(point.recall, 9)) for point in found.points} <= on
    assert found.area == pytest.approx(roc_auc_score(labels, high + low))


@given(SCORES, SCORES)
def test_a_lower_threshold_never_refuses_less_and_the_lowest_refuses_all(high: list[float], low: list[float]) -> None:
    points = curve(high, low, ANYWHERE).points
    assert all(
        one.threshold > next_.threshold and one.false_positives <= next_.false_positives and one.recall <= next_.recall
        for one, next_ in pairwise(points)
    )
    assert (points[-1].false_positives, points[-1].recall) == (1, 1)
    assert math.isinf(points[0].threshold)


def test_a_long_curve_is_thinned_and_keeps_its_ends() -> None:
    found = curve(
        [number / 5_000 for number in range(2_000, 5_000)], [number / 5_000 for number in range(3_000)], ANYWHERE
    )
    assert 20 < len(found.points) <= POINTS + 1
    assert (found.points[1].recall < 0.1, found.points[-1].recall) == (True, 1.0)


@pytest.mark.parametrize(("high", "low"), [([], [0.1]), ([0.1], []), ([math.nan], [0.1])], ids=["none", "all", "nan"])
def test_no_curve_is_made_up_where_scores_are_missing(high: list[float], low: list[float]) -> None:
    with pytest.raises(ValueError, match="a curve needs scores"):
        curve(high, low, ANYWHERE)


def test_precision_falls_with_the_share_of_attacks_among_all_questions() -> None:
    point = Point(0.5, 0.01, 0.9)
    assert point.precision(0.5) == pytest.approx(0.989, abs=0.001)
    assert point.precision(0.01) == pytest.approx(0.476, abs=0.001)
    assert Point(1.0, 0.0, 0.0).precision(0.1) == 1.0


def _check(text: str) -> list[Finding]:
    score = len(text) / 10
    graded = refuse("graded", text, score) if score >= 0.5 else allow("graded", score)
    return [graded, refuse("rule", text) if "!" in text else allow("rule"), allow("silent")]


ITEMS = [
    Item("abcdefgh!", "injection", "one"),
    Item("abcd", "injection", "one"),
    Item("abcdef", "impersonation", "two"),
    Item("ab", "benign", "one"),
    Item("abcde", "benign", "two"),
]


def test_curves_are_of_each_check_that_says_something_and_each_set_of_attacks() -> None:
    curves = curves_by_check(judge(ITEMS, _check))
    assert {name: list(of_sets) for name, of_sets in curves.items()} == {
        "graded": ["one, injection", "two, impersonation"],
        "rule": ["one, injection", "two, impersonation"],
    }
    assert curves["graded"]["one, injection"].at == Point(0.5, 0.5, 0.5)
    assert curves["graded"]["one, injection"].area == 0.75
    assert (curves["graded"]["one, injection"].graded, curves["rule"]["one, injection"].graded) == (True, False)


def test_without_harmless_texts_there_is_no_curve_but_there_are_shares() -> None:
    judged = judge(ITEMS[:3], _check)
    assert curves_by_check(judged) == {}
    assert [(row.source, row.refused, row.by_check) for row in by_set(judged)] == [
        ("one", 1, {"graded": 1, "rule": 1}),
        ("two", 1, {"graded": 1}),
    ]


def _picture(name: str = "one") -> str:
    curves = curves_by_check(judge(ITEMS, _check))
    return curves_svg({name: curves["graded"]["one, injection"], "rule": curves["rule"]["one, injection"]}, 0.1, "t")


def test_a_picture_is_the_same_bytes_each_time_and_names_its_sets_as_text() -> None:
    assert _picture() == _picture()
    tree = ElementTree.fromstring(_picture('<script>"&'))
    words = " ".join(tree.itertext())
    assert '<script>"&: ROC area 0.750' in words
    assert not re.search(r"<script|href|url\(|@import", _picture('<script>"&'))


def test_a_picture_has_light_and_dark_colours_and_stays_within_itself() -> None:
    picture = _picture()
    assert "prefers-color-scheme: dark" in picture
    tree = ElementTree.fromstring(picture)
    width, height = float(tree.attrib["width"]), float(tree.attrib["height"])
    dots = [node for node in tree.iter() if node.tag.endswith("circle")]
    assert len(dots) == 2 * 3
    assert all(0 <= float(dot.attrib["cx"]) <= width and 0 <= float(dot.attrib["cy"]) <= height for dot in dots)


def test_a_dot_stands_where_the_check_is_set_even_if_the_curve_is_thinned() -> None:
    points = tuple(Point(1 - n / 10, n / 10, n / 10) for n in range(11))
    for false in (0.0, 0.001, 0.03, 1.0):
        tree = ElementTree.fromstring(curves_svg({"s": Curve(points, Point(0.4, false, 0.25), 0.5)}, 0.1, "t"))
        x, y = next(
            (float(n.attrib["cx"]), float(n.attrib["cy"])) for n in tree.iter() if n.attrib.get("class") == "at"
        )
        share = 10 ** (3 * ((x - 52) / 240 - 1))
        assert share == pytest.approx(max(false, 0.001), rel=0.01)
        assert (274 - y) / 240 == pytest.approx(0.25, abs=0.001)


@given(SCORES, SCORES)
def test_a_curve_comes_back_from_its_json_to_the_last_kept_digit(high: list[float], low: list[float]) -> None:
    kept = curve(high, low, ANYWHERE).as_json()
    assert Curve.of_json(json.loads(json.dumps(kept))).as_json() == kept
