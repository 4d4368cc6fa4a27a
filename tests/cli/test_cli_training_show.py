"""How adapters look on the terminal: one, all of them, and how well they were predicted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cli_call import Call

from allotment.project import Project
from allotment.training import load_manifest
from allotment.training._manifest import make_current, write_manifest
from allotment.workspace import Workspace
from project_copy import copy_project
from sealed_adapter import seal

MEASURED: dict[str, Any] = {
    "seconds": 300.0,
    "examples": 212,
    "dropped": 3,
    "epochs": 10.0,
    "tokens_per_second": 264.5,
    "mfu": None,
    "final_loss": 0.0613,
    "held_out_loss": None,
    "peak_gib": 2.0,
    "usd": 0.05,
    "masked_example": "The board meets in secret.⟦On Friday.⟧",
    "probe": {"peak_gib": 1.9, "minutes": 5.5, "usd": None},
}
PREDICTED = {"peak_gib": 2.2, "safe_gib": 2.6, "minutes": 4.5, "usd": 0.05}


@pytest.fixture
def trained(taught: Project, tmp_path: Path) -> Path:
    """The taught company with two adapters of the board, the first of which is served."""
    project = copy_project(taught, tmp_path / "project", "adapters")
    workspace = Workspace(project.root)
    for version in ("v1", "v2"):
        seal(project, workspace, "board", version)
        manifest = load_manifest(project, workspace, "board", version)
        told = manifest.model_copy(update={"measured": MEASURED, "predicted": PREDICTED})
        write_manifest(workspace, Path(manifest.folder), told)
    make_current(workspace, "board", "v1")
    return project.root


def test_an_adapter_is_told_in_a_few_lines_with_what_was_predicted_and_where_its_report_lies(
    call: Call, trained: Path
) -> None:
    report = Workspace(trained).adapters_dir("board") / "v1" / "report.html"
    report.write_text("<!doctype html>", encoding="utf-8")
    told = call("-C", trained, "training", "show", "board/v1").out
    lines = [line.split() for line in told.splitlines()]
    assert "adapter     board/v1, ready, served now" in told
    assert "may answer  director" in told
    assert "loss        0.0613, held out unknown" in told
    assert ["peak", "GiB", "2.2", "1.9", "2", "+10.0", "%", "-5.0", "%"] in lines
    assert ["minutes", "4.5", "5.5", "5", "-10.0", "%", "+10.0", "%"] in lines
    assert ["$", "0.05", "unknown", "0.05", "+0.0", "%", "unknown"] in lines
    assert told.rstrip().endswith(f"report      {report}")


def test_neither_form_of_showing_an_adapter_gives_a_documents_text_away(call: Call, trained: Path) -> None:
    shown = call("-C", trained, "training", "show", "board/v1", "--json")
    assert shown.json()["measured"]["final_loss"] == 0.0613
    for words in (["show", "board/v1"], ["list"], ["list", "--json"], ["list", "--errors", "--json"]):
        assert "board meets in secret" not in call("-C", trained, "training", *words).out
    assert "board meets in secret" not in shown.out


def test_the_list_has_a_star_at_the_version_that_is_served(call: Call, trained: Path) -> None:
    rows = call("-C", trained, "training", "list", "--json").json()
    assert {row["id"]: row["current"] for row in rows} == {"board/v1": True, "board/v2": False}
    (row,) = (row for row in rows if row["current"])
    figures = {name: row[name] for name in ("method", "loss", "held_out_loss", "minutes", "usd")}
    assert figures == {"method": "lora", "loss": 0.0613, "held_out_loss": None, "minutes": 5.0, "usd": 0.05}
    lines = [line.split() for line in call("-C", trained, "training", "list").out.splitlines()]
    assert lines[1][:2] == ["board/v1", "*"]
    assert lines[2][:2] != ["board/v2", "*"]
    assert lines[1][-6:] == ["lora", "0.0613", "unknown", "5", "0.05", "director"]


def test_the_errors_of_all_runs_stand_below_each_other_with_their_mean(call: Call, trained: Path) -> None:
    runs = call("-C", trained, "training", "list", "--errors", "--json").json()
    assert [run["id"] for run in runs] == ["board/v1", "board/v2"]
    assert runs[0]["minutes"]["error_percent"] == pytest.approx(-10.0)
    told = call("-C", trained, "training", "list", "--errors").out
    assert "peak GiB: off by 10.0 % on average, 10.0 % at worst, in 2 runs" in told


def test_a_run_whose_manifest_was_edited_counts_for_no_error(call: Call, trained: Path) -> None:
    manifest = Workspace(trained).adapters_dir("board") / "v2" / "manifest.json"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace('"peak_gib": 2.2', '"peak_gib": 9.9', 1), encoding="utf-8")
    runs = call("-C", trained, "training", "list", "--errors", "--json").json()
    assert [run["id"] for run in runs] == ["board/v1"]


def test_without_adapters_there_is_nothing_to_compare(call: Call, small: Path) -> None:
    for words in (["list"], ["list", "--errors"]):
        assert "No adapter has been trained yet" in call("-C", small, "training", *words).out
        assert call("-C", small, "training", *words, "--json").json() == []
