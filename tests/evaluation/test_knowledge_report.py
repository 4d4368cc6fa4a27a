"""An agent's evaluation: what it asks, what it reports, and what it never takes for passed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from knowledge_parts import failing, knowing, opened

from allotment.audit import AuditLog
from allotment.databases import Databases
from allotment.dataset import load_items
from allotment.evaluation import QUICK, Options, compare, evaluate_agent
from allotment.evaluation.report import Report
from allotment.project import Project
from allotment.workspace import Workspace, write_atomic
from own_database import own_database
from project_copy import copy_project
from sealed_adapter import seal


@pytest.fixture(scope="module")
def audit(postgres: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditLog]:
    """A record of its own."""
    anchor = tmp_path_factory.mktemp("record") / "anchor"
    with own_database(postgres) as (dsn, owner), AuditLog(dsn, "k" * 64, anchor) as log:
        log.migrate(owner)
        yield log


@pytest.fixture
def project(taught: Project, tmp_path: Path) -> Project:
    """A copy whose handbook agent has a sixth fact held out."""
    copied = copy_project(taught, tmp_path / "project")
    file = Workspace(copied.root).dataset_dir("handbook") / "items.jsonl"
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    rows.append(rows[0] | {"id": "sixth", "group": "sixth", "question": "What keeps passwords?"})
    write_atomic(file, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return copied


def outcomes(report: Report) -> dict[str, str]:
    return {check.name: check.outcome for check in report.checks}


def lines(report: Report) -> dict[tuple[str, str], tuple[object, ...]]:
    table = next(table for table in report.tables if table.name == "knowledge")
    return {(str(row[0]), str(row[1])): row[2:] for row in table.rows}


def test_an_adapter_that_knows_its_facts_passes_and_is_asked_nothing_twice(
    project: Project, postgres: Databases, audit: AuditLog
) -> None:
    workspace = Workspace(project.root)
    manifest = seal(project, workspace, "handbook")
    says = knowing(project, workspace, "handbook")
    with opened(project, postgres, audit, says) as company:
        found = evaluate_agent(company.parts, "handbook", Options(command="allotment evaluate handbook"))
    report = found.report
    assert set(outcomes(report).values()) == {"passed"}
    assert report.outcome == "passed"
    assert "100% of 6 held-out questions" in report.verdict
    assert ("adapter sha256", manifest.adapter_sha256) in report.versions
    items = [item for item in load_items(workspace, "handbook") if item.split == "held_out"]
    expected = compare(items, lambda item: says(item.question, False), lambda item: says(item.question, True))
    assert found.comparison == expected
    with opened(project, postgres, audit, says) as company:
        again = evaluate_agent(company.parts, "handbook").report
        assert company.asked == []
    assert (again.tables, again.checks, again.figures) == (report.tables, report.checks, report.figures)


def test_an_agent_without_an_adapter_has_its_base_rows_and_is_not_passed(
    project: Project, postgres: Databases, audit: AuditLog
) -> None:
    with opened(project, postgres, audit, knowing(project, Workspace(project.root), "handbook")) as company:
        found = evaluate_agent(company.parts, "handbook")
    assert found.report.outcome == "unknown"
    assert found.comparison is None
    shown = lines(found.report)
    assert shown["held-out questions on trained facts", "base model"][1] == "0% (0 of 6)"
    assert shown["held-out questions on trained facts", "adapter"][1] == "not known"
    assert any("has no adapter yet" in sentence for sentence in found.report.not_tested)


def test_an_engine_that_is_dead_gives_unknown_and_is_asked_a_few_times_only(
    project: Project, postgres: Databases, audit: AuditLog
) -> None:
    seal(project, Workspace(project.root), "handbook")
    with opened(project, postgres, audit, failing) as company:
        found = evaluate_agent(company.parts, "handbook")
        assert len(company.asked) < 60
    assert set(outcomes(found.report).values()) == {"unknown"}
    assert all(figure.value is None for figure in found.report.figures if figure.name.startswith("knowledge.trained"))
    assert found.report.worst == ()


def test_a_cut_off_run_goes_on_where_it_was(project: Project, postgres: Databases, audit: AuditLog) -> None:
    says = knowing(project, Workspace(project.root), "handbook")
    left = [25]

    def dies(asked: str, adapter: bool) -> str:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return says(asked, adapter)

    with opened(project, postgres, audit, dies) as company, pytest.raises(KeyboardInterrupt):
        evaluate_agent(company.parts, "handbook")
    kept = Workspace(project.root).home / "evaluation" / "knowledge" / "handbook" / "answers.jsonl"
    before = len(kept.read_text(encoding="utf-8").splitlines())
    with opened(project, postgres, audit, says) as company:
        evaluate_agent(company.parts, "handbook")
        after = len(kept.read_text(encoding="utf-8").splitlines())
        assert before >= 20
        assert len(company.asked) == after - before


def test_an_adapter_that_learnt_nothing_and_lost_what_it_knew_fails_with_passages_beside_its_answers(
    project: Project, postgres: Databases, audit: AuditLog
) -> None:
    seal(project, Workspace(project.root), "handbook")
    says = knowing(project, Workspace(project.root), "handbook")
    with opened(
        project, postgres, audit, lambda asked, adapter: "It is 12345 EUR." if adapter else says(asked, False)
    ) as company:
        report = evaluate_agent(company.parts, "handbook").report
    assert report.outcome == "failed"
    assert (outcomes(report)["knowledge.learnt"], outcomes(report)["knowledge.general"]) == ("failed", "failed")
    wrong = next(table for table in report.tables if table.name == "wrong")
    passwords = next(row for row in wrong.rows if "passwords" in str(row[1]))
    assert passwords[3:5] == ("It is 12345 EUR.", "documents/handbook/computers.md")
    assert "Oysterbox" in str(passwords[6])
    assert 1 <= len(report.worst) <= 10


def test_a_quick_run_asks_forty_of_every_set_and_says_what_it_left_out(
    project: Project, postgres: Databases, audit: AuditLog
) -> None:
    with opened(project, postgres, audit, lambda asked, adapter: "It is blue.") as company:
        report = evaluate_agent(company.parts, "handbook", Options(QUICK)).report
    table = next(table for table in report.tables if table.name == "sources")
    assert sum(int(row[3] or 0) for row in table.rows) == 40
    assert {row[0] for row in table.rows} >= {"held-out questions on trained facts", "general knowledge"}
    assert any("left out" in sentence for sentence in report.not_tested)


def test_a_judge_that_answers_rubbish_has_no_figure(project: Project, postgres: Databases, audit: AuditLog) -> None:
    with opened(project, postgres, audit, lambda asked, adapter: "I think so!") as company:
        report = evaluate_agent(company.parts, "handbook", Options(QUICK, judge="gemma-3-270m")).report
    table = next(table for table in report.tables if table.name == "agreement")
    judge = next(row for row in table.rows if str(row[0]).startswith("judge"))
    assert judge[1:4] == (100, 100, "not known")
    assert len(table.rows) == 3
