"""The page in a real browser: axe objects to nothing, nothing is cut off, nothing runs or loads."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, sync_playwright
from report_example import EXAMPLE

from allotment.evaluation.report import compare, page, sign_report
from allotment.workspace import Workspace

pytestmark = pytest.mark.browser

RESULTS = Path(__file__).parents[2] / "test-results"
PICTURES = Path(os.environ.get("ALLOTMENT_PICTURES", RESULTS))
"""Where pictures of the documentation go: `make pictures` says docs/images."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OPEN_ALL = "document.querySelectorAll('details').forEach(one => { one.open = true; })"
PICTURES_FIT = (
    "[...document.querySelectorAll('.wide > svg')].every(one => one.getBoundingClientRect().right <= innerWidth)"
)
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium") or "/usr/bin/chromium"
    if not Path(found).exists():
        pytest.fail(f"{found} is missing; `make chromium` installs it")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with everything on it, what changed included."""
    folder = tmp_path_factory.mktemp("browser")
    fewer = replace(EXAMPLE, checks=EXAMPLE.checks[:1], figures=EXAMPLE.figures[:3])
    better = replace(fewer, checks=(replace(fewer.checks[0], outcome="passed"),))
    path = folder / "report.html"
    path.write_bytes(page(sign_report(Workspace(folder), EXAMPLE, compare(EXAMPLE, better, "0" * 64))))
    return path


def objections(page: Page) -> list[tuple[str, str]]:
    """What axe finds: rule and element."""
    run = "(tags) => axe.run({ runOnly: { type: 'tag', values: tags }, resultTypes: ['violations'] })"
    found: dict[str, Any] = page.evaluate(run, RULES)
    return [(fault["id"], node["html"][:160]) for fault in found["violations"] for node in fault["nodes"]]


def test_nothing_shuts_anybody_out_and_nothing_runs_or_loads(chromium: Browser, file: Path) -> None:
    context = chromium.new_context(viewport={"width": 320, "height": 900})
    try:
        opened = context.new_page()
        told: list[str] = []
        asked: list[str] = []
        opened.on("console", lambda message: told.append(message.text))
        opened.on("pageerror", lambda error: told.append(str(error)))
        opened.on("dialog", lambda dialog: told.append(dialog.message))
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(file.as_uri())
        assert opened.evaluate("getComputedStyle(document.querySelector('main')).maxWidth") == "992px"
        opened.evaluate(OPEN_ALL)
        opened.evaluate(AXE_SCRIPT)
        RESULTS.mkdir(exist_ok=True)
        for width, scheme in ((320, "light"), (320, "dark"), (1440, "dark"), (1440, "light")):
            opened.set_viewport_size({"width": width, "height": 900})
            opened.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
            assert objections(opened) == [], (width, scheme)
            opened.screenshot(path=RESULTS / f"evaluation-report-{width}-{scheme}.png")
        assert told == [] and asked == [file.as_uri()]
    finally:
        context.close()


def test_on_paper_nothing_is_cut_off(chromium: Browser, file: Path) -> None:
    context = chromium.new_context(viewport={"width": 700, "height": 900}, color_scheme="dark")
    try:
        opened = context.new_page()
        opened.goto(file.as_uri())
        opened.emulate_media(media="print")
        assert opened.evaluate(PICTURES_FIT)
        assert opened.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 28)"
    finally:
        context.close()


def test_the_picture_of_the_documentation(chromium: Browser, file: Path) -> None:
    context = chromium.new_context(viewport={"width": 1080, "height": 860})
    try:
        opened = context.new_page()
        opened.goto(file.as_uri())
        opened.locator("#open").evaluate("(part) => window.scrollTo(0, part.offsetTop - 20)")
        PICTURES.mkdir(exist_ok=True)
        assert opened.locator("#open").is_visible()
        opened.screenshot(path=PICTURES / "evaluation-report.png")
    finally:
        context.close()
