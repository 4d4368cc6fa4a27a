"""The page: everything of the report is on it, and nothing in any text of it acts or hides."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_example import CURVE, EXAMPLE, HOSTILE, MATRIX

from allotment.evaluation.report import (
    Attempt,
    Check,
    Curve,
    Figure,
    Matrix,
    MatrixCell,
    Report,
    Series,
    Table,
    compare,
    curve_svg,
    matrix_svg,
    page,
    sign_report,
    to_junit,
    visible,
)
from allotment.workspace import Workspace

SVG = "{http://www.w3.org/2000/svg}"


class Seen(HTMLParser):
    """Tags with their attributes' names, and what is read."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, ...]] = []
        self.read = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "tspan":  # there is one for each line of a label
            self.tags.append((tag, *(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.read += data


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("page"))


def everywhere(text: str) -> Report:
    """A report with the same text in every field that holds one."""
    cell = MatrixCell(1, 2)
    return Report(
        "attacks",
        text,
        text,
        text,
        (Check(text, text, "failed", text), Check(f"{text}2", text, "passed", text)),
        (Figure(text, text, 0.5, "lower", (0.4, 0.6)),),
        (Matrix(text, text, (text,), (text,), ((cell,),), text),),
        (Curve(text, text, text, text, (Series(text, ((0, 1), (1, 2))),), text),),
        (Table(text, text, (text,), ((text,),), text),),
        (Attempt(text, ((text, text),)),),
        (text,),
        ((text, text),),
        text,
    )


def shown(workspace: Workspace, report: Report) -> str:
    changes = compare(report, replace(report, checks=(), figures=()))
    return page(sign_report(workspace, report, changes)).decode()


@settings(max_examples=30)
@given(st.one_of(st.text(min_size=1), st.text("<>&\"'/!-\x00\n\u202e{}%]", min_size=1), st.just(HOSTILE)))
def test_no_text_becomes_markup_anywhere(workspace: Workspace, text: str) -> None:
    report = everywhere(text)
    found = Seen(shown(workspace, report))
    assert found.tags == Seen(shown(workspace, everywhere("x"))).tags
    assert visible(text) in found.read.replace("\r", "\n")
    for picture in (matrix_svg(report.matrices[0]), curve_svg(report.curves[0])):
        ElementTree.fromstring(picture)
    assert len(ElementTree.fromstring(to_junit(report)).findall(".//testcase")) == 2


@given(st.text())
def test_nothing_of_what_is_shown_is_unseen(text: str) -> None:
    assert "".join(visible(text).split()).isprintable()


def test_fillers_and_selectors_are_seen_too() -> None:
    assert visible("a\u3164b\ufe0f\U000e0101") == "a⟨U+3164⟩b⟨U+FE0F⟩⟨U+E0101⟩"


def test_the_hostile_text_is_shown_in_full(workspace: Workspace) -> None:
    text = shown(workspace, EXAMPLE)
    assert "⟨U+202E⟩evil⟨U+202C⟩⟨U+200B⟩⟨U+FFFE⟩" in text
    assert "&lt;img src=x onerror=alert(2)&gt;" in text
    assert not set("\x00\x1b\u202e\u202c\u200b\ufffe") & set(text)


def test_it_loads_nothing_and_says_so(workspace: Workspace) -> None:
    text = shown(workspace, EXAMPLE)
    policy = re.search('Content-Security-Policy" content="([^"]*)"', text)
    assert policy and unescape(policy[1]).startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy[1]
    assert not re.search(
        r"<(?:link|iframe|object|embed|form|base)\b|\ssrc=\"|url\((?!#)|@import|\sstyle=|\son\w+=\"", text
    )
    assert re.findall(r'href="([^"]*)"', text) == []
    assert len(re.findall("<script", text)) == 1 and '<script type="application/json"' in text


def test_the_verdict_comes_first_then_what_did_not_pass(workspace: Workspace) -> None:
    text = shown(workspace, EXAMPLE)
    places = [text.index(part) for part in ("<h1>", 'id="changes"', 'id="open"', 'id="matrices"', 'id="figures"')]
    assert places == sorted(places)
    assert EXAMPLE.verdict in text[places[0] : places[1]] and "Failed</p>" in text


@pytest.mark.parametrize(
    ("cell", "state", "sign"),
    [
        (MatrixCell(1, 2), "hit", "▲"),
        (MatrixCell(1, 2, 2), "hit", "▲"),
        (MatrixCell(0, 2), "held", ""),
        (MatrixCell(0, 2, 1), "held", ""),
        (MatrixCell(1, 2, 0, True), "allowed", ""),
        (MatrixCell(0, 0), "unknown", "?"),
        (MatrixCell(0, 2, 2), "unknown", "?"),
        (MatrixCell(0, 2, 2, True), "unknown", "?"),
    ],
)
def test_a_cell_shows_what_it_is_by_more_than_colour(cell: MatrixCell, state: str, sign: str) -> None:
    matrix = Matrix("m", "M", ("row",), ("column",), ((cell,),))
    root = ElementTree.fromstring(matrix_svg(matrix))
    first = next(box for box in root.iter(f"{SVG}rect") if (box.find(f"{SVG}title")) is not None)
    assert first.get("class") == state
    counts = [text.text for text in root.iter(f"{SVG}text") if (text.get("class") or "").startswith("count")]
    assert counts == [f"{sign} {cell.hits} / {cell.attempts}".strip()]
    assert ("got through to" in matrix_svg(matrix)) == (state == "hit")


def test_pictures_have_a_title_and_a_description(tmp_path: Path) -> None:
    for picture in (matrix_svg(MATRIX), curve_svg(CURVE)):
        root = ElementTree.fromstring(picture)
        named = {element.get("id"): element.text for element in root.iter() if element.get("id")}
        assert all(named[key] for key in (root.get("aria-labelledby") or "").split())
        assert root.get("role") == "img"


@pytest.mark.parametrize("most", [2, 3, 6, 12, 13, 64, 10_000])
def test_there_is_no_part_of_a_worker_on_an_axis_of_workers(most: int) -> None:
    picture = curve_svg(replace(CURVE, series=(Series("one", ((1.0, 4.1), (float(most), 8.3))),)))
    ticks = re.findall(r'text-anchor="middle"[^>]*>([^<]+)<', picture)
    assert len(ticks) >= 2
    assert all(float(tick).is_integer() for tick in ticks)


@pytest.mark.parametrize("points", [(), ((0.0, 0.0),), ((5.0, 1e300), (5.0, -1e300)), ((0, 0), (1e-300, 1e-300))])
def test_a_curve_of_any_points_can_be_drawn(points: tuple[tuple[float, float], ...]) -> None:
    picture = curve_svg(replace(CURVE, series=(Series("one", points),)))
    ElementTree.fromstring(picture)
    assert "nan" not in picture and "inf" not in picture


def test_a_report_without_anything_is_not_known(workspace: Workspace) -> None:
    empty = Report("leaks", "p", "2026", "Nothing was tried.", ())
    text = page(sign_report(workspace, empty)).decode()
    assert "Not known" in text and "Nothing was checked." in text
    assert not re.search(r'id="(?:open|matrices|figures|curves|tables|worst|passed|changes|again)"', text)
