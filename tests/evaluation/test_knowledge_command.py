"""``allotment evaluate AGENT``: the table in the terminal, and exit codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allotment.cli import run_command
from allotment.project import Project
from project_copy import copy_project


def test_without_model_and_adapter_the_table_says_not_known_and_the_exit_code_is_1(
    taught: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_project(taught, tmp_path / "project")
    monkeypatch.setenv("ALLOTMENT_MODELS", str(tmp_path / "none"))
    assert run_command(["-C", str(project.root), "evaluate", "handbook", "--quick"]) == 1
    shown = capsys.readouterr().out
    assert "not known" in shown
    assert "it is not known what it learnt" in " ".join(shown.split())
    assert run_command(["-C", str(project.root), "evaluate", "handbook", "--quick", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert "knowledge-handbook" in told["files"]["json"]
    report = told["report"]
    assert {check["outcome"] for check in report["checks"]} == {"unknown"}
    assert any("allotment models pull" in sentence for sentence in report["not_tested"])


def test_an_agent_that_is_not_declared_is_exit_code_2(taught: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["-C", str(taught.root), "evaluate", "ghost"]) == 2
    assert "handbook" in capsys.readouterr().err


def test_an_agent_without_a_dataset_is_told_how_to_make_one(
    taught: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = copy_project(taught, tmp_path / "project", "dataset")
    assert run_command(["-C", str(project.root), "evaluate", "handbook"]) == 1
    assert "allotment dataset generate handbook" in capsys.readouterr().err
