"""Every check has a page of its own, with its figures: a new one without is noticed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import allotment
from allotment.access import Principal
from allotment.guards import QUESTION_CHECKS, check_answer, check_question, load_model, refused
from allotment.guards._learned import learned_checks
from allotment.guards.training import CheckFile, every_check
from allotment.project import GuardsConfig, load_project

ROOT = Path(__file__).resolve().parents[2]
PROJECT = load_project(Path(allotment.__file__).parent / "examples" / "northwind")
EMPLOYEE = Principal("eva", "employee")


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that writes the pages of checks."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import checks_pages

    return checks_pages


def test_every_check_that_can_be_carried_out_is_found_by_its_file() -> None:
    found = every_check()
    assert set(GuardsConfig().checks) <= set(found)
    assert {finding.check for finding in check_answer("")} <= {
        name for name, check in found.items() if check.of != "question"
    }
    assert all(check.summary.endswith(".") and check.file.startswith("_") for check in found.values())


@pytest.mark.parametrize("name", sorted(every_check()))
def test_every_check_has_a_page_with_an_example_and_the_data_it_was_measured_on(name: str) -> None:
    page = (ROOT / "docs" / "checks" / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# `{name}`\n")
    assert "```" in page or "|---|" in page.partition("<!-- figures -->")[0]
    assert "**Measured on**" in page or "Not measured." in page


SET_UP = {"off_topic", "protected_terms"}
"""Checks whose examples need a project with what was learnt."""
EXAMPLES = [
    (check, text, outcome)
    for name, check in every_check().items()
    if name not in SET_UP
    for text, outcome in re.findall(
        r'^\| "(.+)" \| (refused|allowed) \|$',
        (ROOT / "docs" / "checks" / f"{name}.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
]


@pytest.mark.parametrize(("check", "text", "outcome"), EXAMPLES, ids=[f"{one[0].name}: {one[1]}" for one in EXAMPLES])
def test_an_example_on_a_page_is_what_the_check_says(check: CheckFile, text: str, outcome: str) -> None:
    if check.of == "question":
        checks = {**QUESTION_CHECKS, **learned_checks(load_model(), {})}
        findings = check_question(text, EMPLOYEE, PROJECT.roles, checks={check.name: checks[check.name]})
    else:
        findings = [finding for finding in check_answer(text) if finding.check == check.name]
    assert refused(findings) == (outcome == "refused")


def test_pages_have_examples_of_both_outcomes_for_the_checks_of_the_usual_row() -> None:
    for name in set(GuardsConfig().checks) - {"length"}:
        assert {outcome for check, _, outcome in EXAMPLES if check.name == name} == {"refused", "allowed"}


def test_a_new_check_without_a_page_fails_the_check_of_the_docs(
    pages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    import docs

    ghost = CheckFile("ghost", "question", "what nobody has written a page for.", "_ghost.py")
    monkeypatch.setattr(pages, "every_check", lambda: {**every_check(), "ghost": ghost})
    monkeypatch.setattr(sys, "argv", ["docs.py", "--check"])
    with pytest.raises(SystemExit) as stopped:
        docs.main()
    assert "docs/checks/ghost.md: is not what the source says" in str(stopped.value)


def test_a_missing_page_is_begun_with_what_the_file_says_and_that_nothing_is_measured(
    pages: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ghost = CheckFile("ghost", "question", "what nobody has written a page for.", "_ghost.py")
    monkeypatch.setattr(pages, "every_check", lambda: {**every_check(), "ghost": ghost})
    text = pages.checks_pages()[pages.FOLDER / "ghost.md"]
    assert "# `ghost`\n\nwhat nobody has written a page for." in text
    assert "Not measured." in text


def test_pages_and_pictures_are_the_same_bytes_each_time(pages: ModuleType) -> None:
    assert pages.checks_pages() == pages.checks_pages()
