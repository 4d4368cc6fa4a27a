"""A whole run, with real processes: what breaks it costs one attempt at most, and the same run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from multiprocessing import active_children

import pytest
from attacks_standin import attacked_company

from allotment.evaluation.attacks import Settings, report_of, run_attacks
from allotment.project import Project
from allotment.workspace import Workspace

pytestmark = pytest.mark.heavy

COUNT = 40


@pytest.fixture(scope="module")
def project(taught: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with attacked_company(taught, tmp_path_factory.mktemp("run") / "project") as project:
        yield project


def ended(project: Project) -> dict[str, list[str]]:
    """Key → every line the ledgers have of it."""
    lines: dict[str, list[str]] = {}
    for file in (Workspace(project.root).home / "evaluation" / "attacks").glob("*/ledger.jsonl"):
        for line in file.read_text(encoding="utf-8").splitlines():
            lines.setdefault(str(json.loads(line)["key"]), []).append(line)
    return lines


def test_a_run_that_is_stopped_and_loses_a_process_goes_on_and_asks_nothing_twice(project: Project) -> None:
    workspace, settings = Workspace(project.root), Settings(count=COUNT, workers=2)
    others, notes = set(active_children()), list[str]()

    def stop(label: str, done: int, total: int) -> None:
        if done == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_attacks(project, workspace, settings, progress=stop)
    assert set(active_children()) == others
    assert not list(workspace.home.glob("evaluation/attacks/*/copy"))
    before = ended(project)
    assert len(before) >= 10

    def kill(label: str, done: int, total: int) -> None:
        if label == "attempts" and done == 5:
            (set(active_children()) - others).pop().kill()

    first = run_attacks(project, workspace, settings, progress=kill, note=notes.append)
    assert len(notes) == 1
    assert "another one goes on" in notes[0]
    assert len(first.results) == COUNT
    lost = [result for result in first.results if result.ending == "failed"]
    assert len(lost) <= 1
    assert all("the process ended" in result.detail for result in lost)

    second = run_attacks(project, workspace, settings)
    assert len(second.results) == COUNT
    assert not [result for result in second.results if result.ending == "failed"]
    after = ended(project)
    assert all(after[key] == lines for key, lines in before.items())
    attempts = {result.id for result in second.results}
    assert {key for key in attempts if len(after[key]) > 1} == {result.id for result in lost}


def test_a_budget_that_is_spent_begins_nothing_and_says_so(project: Project) -> None:
    settings = Settings(count=COUNT, workers=1, seed=2, budget_minutes=1e-9)
    found = run_attacks(project, Workspace(project.root), settings)
    report = report_of(found, "")
    assert len(found.results) <= 1  # one may have begun before it was told
    assert report.outcome == "unknown"
    assert any("planned attempts were not made in this time" in line for line in report.not_tested)
