"""A report as JSON: one text for each report, and nothing else is read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from report_example import EXAMPLE, MATRIX
from report_reports import REPORTS

from allotment.errors import InputError
from allotment.evaluation.report import Attempt, Check, Figure, Report, Series, from_json, to_json

SMALL = Report("leaks", "p", "2026-11-26T22:00:00+00:00", "All is well.", (Check("a", "A", "passed"),))
TEXT = to_json(SMALL)


@settings(max_examples=25)
@given(REPORTS)
def test_what_is_written_is_read_again(report: Report) -> None:
    data = to_json(report)
    assert from_json(data) == report
    assert to_json(from_json(data)) == data


def test_nothing_in_it_is_markup() -> None:
    assert not set(b"<>&") & set(to_json(EXAMPLE))


def test_half_a_character_is_replaced_and_two_halves_are_whole() -> None:
    verdict = from_json(to_json(replace(SMALL, verdict="\ud83d\ude00 \ud800"))).verdict
    assert verdict == "\U0001f600 \N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        (b'"format":1', b'"format":1,"format":1'),
        (b'"seconds":0.0', b'"seconds":NaN'),
        (b'"seconds":0.0', b'"seconds":Infinity'),
        (b'"seconds":0.0', b'"seconds":1e999'),
        (b'"seconds":0.0', b'"seconds":0'),
        (b'"seconds":0.0', b'"seconds":"0.0"'),
        (b'"seconds":0.0', b'"seconds":0.00'),
        (b'"verdict":', b'"secret":1,"verdict":'),
        (b'"worst":[]', b'"worst":[],"zone":1'),
        (b',"worst":[]', b""),
        (b'"passed"', b'"maybe"'),
        (b'"verdict":"All', b'"verdict":"\\u0041ll'),
        (b'"verdict":"All', '"verdict":"Äll'.encode()),
        (b'"verdict":"All', b'"verdict":"\\ud800'),
        (b'{"checks"', b' {"checks"'),
        (b'"worst":[]}', b'"worst":[]}\n'),
        (b'"worst":[]}', b'"worst":[]}{}'),
        (b'"worst":[]}', b'"worst":['),
        (TEXT, b"[" * 100_000),
        (TEXT, b"1" * 10_000),
        (TEXT, b"null"),
        (TEXT, b""),
        (TEXT, b"\xff\x00"),
    ],
)
def test_another_spelling_or_shape_is_refused(found: bytes, instead: bytes) -> None:
    assert TEXT.count(found) == 1
    with pytest.raises(InputError, match="report"):
        from_json(TEXT.replace(found, instead))


@pytest.mark.parametrize("version", [2, 1_000_000])
def test_a_newer_version_says_that_it_is_newer(version: int) -> None:
    with pytest.raises(InputError, match=f"version {version}, newer than the 1 .* newer one"):
        from_json(TEXT.replace(b'"format":1', f'"format":{version}'.encode()))


@pytest.mark.parametrize("version", ["0", "-1", "1.0", "true", '"1"', "null"])
def test_a_version_that_never_was_is_refused(version: str) -> None:
    with pytest.raises(InputError, match="version"):
        from_json(TEXT.replace(b'"format":1', f'"format":{version}'.encode()))


def test_a_text_that_is_too_large_is_not_even_parsed() -> None:
    with pytest.raises(InputError, match="larger than 32 MiB"):
        from_json(b" " * (32 * 1024 * 1024 + 1))


@pytest.mark.parametrize(
    ("report", "element"),
    [
        (replace(SMALL, seconds=float("nan")), "seconds"),
        (replace(SMALL, figures=(Figure("auc", "AUC", float("inf"), "higher"),)), "auc"),
        (replace(SMALL, checks=SMALL.checks * 2), "checks"),
        (replace(SMALL, matrices=(replace(MATRIX, rows=("one",)),)), MATRIX.name),
        (replace(SMALL, worst=(Attempt("t", ()),) * 11), "worst"),
        (replace(EXAMPLE, curves=(replace(EXAMPLE.curves[0], series=(Series("s", ((0, 0),), (1,)),)),)), "s"),
        (replace(SMALL, kind="else"), "kind"),
    ],
)
def test_what_could_not_be_read_again_is_not_written(report: Report, element: str) -> None:
    with pytest.raises(InputError) as caught:
        to_json(report)
    assert caught.value.element.endswith(element)


def test_it_is_json_for_everybody_else() -> None:
    assert json.loads(to_json(EXAMPLE))["matrices"][0]["cells"][0][1]["hits"] == 3
