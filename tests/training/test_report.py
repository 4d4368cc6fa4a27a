"""The report: one page that says what there is to know of an adapter, and in which nobody else's text acts."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_manifest import LEARNT, MEASURED, READ, document, lines, made, seal_of, step, version_folder

from allotment.training import Manifest, prediction_errors
from allotment.training.record._described import masked_example
from allotment.training.record._figures import dollars, figure
from allotment.training.record._metrics import EvaluationRow, EventRow
from allotment.training.record._report import report, write_report
from allotment.training.record._shown import visible
from allotment.workspace import hash_file

ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>&\x00\ud800\u202e"
EVENTS = [EventRow(0, "probe", "peak 1.9 GiB"), EventRow(40, "out-of-memory", "2,048 tokens in a pass from now on")]

ATTRIBUTES = (
    {"class", "id", "lang", "charset", "name", "content", "http-equiv", "scope"}  # of the page
    | {"xmlns", "viewbox", "role", "aria-labelledby", "width", "height", "rx", "x", "y", "text-anchor"}  # of the plot
    | {"d", "cx", "cy", "r"}
)


class Page(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.marked: dict[str, str] = {}
        self._inside: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self._inside = [tag if tag == "mark" else dict(attrs).get("class") or tag]

    def handle_endtag(self, tag: str) -> None:
        self._inside = []

    def handle_data(self, data: str) -> None:
        self.text += data
        for name in self._inside:
            self.marked[name] = self.marked.get(name, "") + data


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    held_out = EvaluationRow(100, 5.0, 0.41)
    rows = [*EVENTS[:1], *(step(n, 0.06 + 3 * 0.9**n) for n in range(1, 101)), held_out, *EVENTS[1:]]
    return version_folder(tmp_path_factory.mktemp("harbour") / "v3", rows)


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return Page(report(folder, made()))


def poisoned(text: str) -> Manifest:
    """A manifest with somebody else's text wherever there can be any."""
    measured = {**MEASURED, "masked_example": f"{text}⟦{text}⟧", "precision": text, "probe": {"minutes": 1.0}}
    return made(
        documents=(document(text, (text, "captain")),),
        clearance=(text, "captain"),
        base_model=text,
        template=text,
        method=text,
        training={"rank": text, text: [text], "unfrozen": {text: text}},
        seeds={text: 7},
        hardware={"device": text, text: text},
        versions={text: text},
        measured=measured,
    )


def test_it_says_who_may_ask_and_what_was_learnt_with_readers_and_hashes(page: Page) -> None:
    for told in ("documents/ferry.md", "documents/pier.md", "captain, crew", seal_of("documents/ferry.md"), "212"):
        assert told in page.text


def test_it_says_from_which_base_template_dataset_settings_machine_and_seed(page: Page) -> None:
    seals = [seal_of(name) for name in ("base", "template", "dataset", "inputs", "adapter")]
    for told in (*seals, "gemma-3-270m", "turns", "LoRA of rank 16", "learning rate", "NVIDIA L4", "2.13.0", "seed of"):
        assert told in page.text


def test_predicted_and_actual_stand_with_their_errors_for_the_epochs_that_were_done(page: Page) -> None:
    for told in ("+10.0 %", "−5.0 %", "−10.0 %", "Training ended after 5 of 10 epochs", "the estimate was 9 minutes"):
        assert told in page.text


def test_what_happened_is_in_the_plot_and_in_the_list(folder: Path, page: Page) -> None:
    assert "2,048 tokens in a pass from now on" in page.text
    assert "out of memory" in page.text
    assert 'class="loss-plot"' in report(folder, made())


def test_exactly_one_example_is_shown_with_what_is_learnt_marked(page: Page) -> None:
    assert (page.marked["read"], page.marked["mark"]) == (READ, LEARNT)
    assert page.text.count("Where does the ferry leave?") == 1
    assert "Show the page to nobody outside captain." in page.text


def test_an_example_with_marks_of_its_own_is_shown_whole_rather_than_marked_wrong(folder: Path) -> None:
    text = "What is ⟦this⟧?⟦A bracket.⟧"
    manifest = made(measured={**MEASURED, "masked_example": text})
    assert masked_example(manifest).learnt == ""
    found = Page(report(folder, manifest))
    assert text in found.text
    assert "mark" not in found.tags


def test_every_file_of_the_version_is_listed_with_its_hash_but_the_page_itself(folder: Path, page: Page) -> None:
    for name in ("metrics.jsonl", "peft/adapter_config.json"):
        assert f"{name}sha256 {hash_file(folder / name)}" in page.text
    assert f"adapter.ggufsha256 {seal_of('adapter')}" in page.text
    write_report(folder, made())
    assert "report.htmlsha256" not in Page((folder / "report.html").read_text(encoding="utf-8")).text


def test_it_names_the_command_that_serves_another_version(page: Page) -> None:
    assert "allotment training rollback harbour" in page.text


def test_it_asks_nothing_of_anybody_and_lets_no_script_run(folder: Path, page: Page) -> None:
    html = report(folder, made())
    assert "default-src 'none'; style-src 'unsafe-inline'" in html
    assert html.replace("http://www.w3.org/2000/svg", "").count("://") == 0
    assert page.tags.isdisjoint({"script", "img", "link", "iframe", "object", "form", "a", "base"})
    assert "url(" not in html
    assert "@import" not in html


def test_what_is_not_known_is_told_as_unknown(tmp_path: Path) -> None:
    bare = made(measured={}, predicted=None, hardware={}, versions={}, seeds={}, training={})
    page = Page(report(tmp_path, bare))
    assert "no step was logged" in page.text
    assert page.text.count("unknown") > 15
    assert "None was kept." in page.text
    assert "None" not in page.text.replace("None was kept.", "")


def test_metrics_that_no_training_wrote_are_told_on_the_page_and_lose_no_adapter(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(lines([step(1)]) + '{"step": 2, "colour": "red"}\n', encoding="utf-8")
    page = Page(report(tmp_path, made()))
    assert page.marked["fault"] == "The run's metrics cannot be read: metrics.jsonl, line 2."
    assert "no step was logged" in page.text


def test_an_attack_in_any_text_is_shown_and_does_nothing(tmp_path: Path, page: Page) -> None:
    folder = version_folder(tmp_path / "v3", [step(1), EventRow(1, "spike", ATTACK)])
    (folder / "peft" / "<img src=x onerror=alert(3)>").write_text("x", encoding="utf-8")
    write_report(folder, poisoned(ATTACK))
    found = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert found.tags <= page.tags
    assert found.attributes <= ATTRIBUTES
    shown = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>&\\u0000\\ud800\\u202e"
    assert found.text.count(shown) > 15
    assert "<img src=x onerror=alert(3)>sha256" in found.text


@given(st.text(min_size=1))
def test_whatever_the_text_the_page_has_the_same_elements_and_shows_it(folder: Path, page: Page, text: str) -> None:
    found = Page(report(folder, poisoned(text)))
    assert found.tags <= page.tags
    assert found.attributes <= ATTRIBUTES
    assert visible(text) in found.text


def test_the_errors_of_many_runs_are_told_in_their_order() -> None:
    unknown: dict[str, Any] = {"predicted": None, "measured": {**MEASURED, "usd": None, "probe": None}}
    first, second = prediction_errors([made(), made(version="v4", **unknown)])
    assert (first.id, first.method, first.device, first.epochs_done) == ("harbour/v3", "lora", "NVIDIA L4", 0.5)
    assert (first.peak_gib.predicted, first.peak_gib.probed, first.peak_gib.actual) == (2.2, 1.9, 2.0)
    assert first.peak_gib.error_percent == pytest.approx(10.0)
    assert first.peak_gib.probe_error_percent == pytest.approx(-5.0)
    assert (first.minutes.predicted, first.minutes.actual) == (4.5, 5.0)
    assert first.minutes.error_percent == pytest.approx(-10.0)
    assert first.usd.error_percent == pytest.approx(-10.0)
    assert (second.id, second.peak_gib.actual, second.peak_gib.error_percent) == ("harbour/v4", 2.0, None)
    assert (second.usd.actual, second.usd.probed) == (None, None)


@pytest.mark.parametrize(
    ("done", "asked", "share"), [(2, 10, 0.2), (10, 10, 1.0), (11, 10, 1.0), (None, 10, 1.0), (2, None, 1.0)]
)
def test_the_share_of_epochs_done_is_one_where_it_is_not_known(
    done: float | None, asked: float | None, share: float
) -> None:
    (run,) = prediction_errors([made(training={"epochs": asked}, measured={"epochs": done})])
    assert run.epochs_done == share


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "unknown"), (0.0, "0"), (0.02131, "0.0213"), (3.14159, "3.14"), (999.7, "1,000"), (12480.2, "12,480")],
)
def test_a_figure_has_three_digits_and_all_of_them_where_it_is_large(value: float | None, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "unknown"), (0.0, "$0.00"), (0.00001, "under $0.0001"), (0.0492, "$0.0492"), (1234.5, "$1,234.50")],
)
def test_money_is_told_to_the_cent_or_finer_where_it_is_less(value: float | None, text: str) -> None:
    assert dollars(value) == text
