"""``allotment experiments``: the dry run, refusals, lines of progress, and the table in its forms."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from cli_call import Call
from rich.console import Console

from allotment.cli._experiments_live import Live, grid_of
from allotment.experiments import Journal, load_table
from allotment.experiments._plan import Plan, PlannedRun, save_plan
from allotment.project import Project
from allotment.workspace import Workspace
from project_copy import copy_project

FILE = "agent: handbook\nvary: {rank: [4, 8], seed: [1, 2]}\nprice_usd_per_hour: 0.44\nlimits: {max_minutes: 30}\n"


@pytest.fixture
def root(taught: Project, tmp_path: Path) -> Path:
    """The taught company with an experiment's file."""
    found = copy_project(taught, tmp_path / "project", "adapters", "experiments").root
    (found / "experiments").mkdir()
    (found / "experiments" / "grid.yaml").write_text(FILE, encoding="utf-8")
    return found


def test_the_dry_run_shows_every_run_and_starts_nothing(call: Call, root: Path) -> None:
    shown = call("-C", root, "experiments", "run", "experiments/grid.yaml", "--dry-run", "--max-cost", "3")
    assert shown.code == 0
    lines = shown.out.splitlines()
    assert lines[1].split() == ["run", "rank", "seed", "peak", "GiB", "safe", "time", "$", "at", "most", "note"]
    assert [line.split()[:3] for line in lines[2:6]] == [list(run) for run in ("141", "242", "381", "482")]
    assert "All together may cost 3.00 $ at most" in shown.out
    value = call("-C", root, "experiments", "run", "experiments/grid.yaml", "--dry-run", "--json").json()
    assert value["runs"][0]["varied"] == {"rank": 4, "seed": 1}
    assert all(run["safe_gib"] > run["peak_gib"] > 0 for run in value["runs"])
    assert not (root / ".allotment" / "experiments").exists()


def test_a_wrong_setting_is_exit_code_2_with_what_was_meant(call: Call, root: Path) -> None:
    (root / "experiments" / "bad.yaml").write_text(FILE.replace("rank", "ranks"), encoding="utf-8")
    outcome = call("-C", root, "experiments", "run", "experiments/bad.yaml")
    assert outcome.code == 2
    assert "there is no setting 'ranks' (did you mean 'rank'?)" in outcome.err


def test_files_are_listed_and_not_sent_without_a_yes(call: Call, root: Path) -> None:
    text = FILE + "executor: pods\npods: {accelerator: RTX 4090, infra: runpod}\n"
    (root / "experiments" / "grid.yaml").write_text(text, encoding="utf-8")
    outcome = call("-C", root, "experiments", "run", "experiments/grid.yaml")
    assert outcome.code == 3
    assert "examples.jsonl" in outcome.err
    assert "20 questions and answers" in outcome.err
    assert "nothing was sent" in outcome.err
    shown = call("-C", root, "experiments", "run", "experiments/grid.yaml", "--dry-run")
    assert "RunPod through SkyPilot: machines are ended, never paused" in shown.out


def test_documents_that_stay_here_are_exit_code_3(call: Call, root: Path) -> None:
    declared = (root / "allotment.yaml").read_text(encoding="utf-8")
    (root / "allotment.yaml").write_text(
        declared.replace("{path: documents/handbook,", "{path: documents/handbook, local_only: true,"), encoding="utf-8"
    )
    text = FILE + "executor: pods\npods: {accelerator: RTX 4090}\n"
    (root / "experiments" / "grid.yaml").write_text(text, encoding="utf-8")
    outcome = call("-C", root, "experiments", "run", "experiments/grid.yaml", "--yes")
    assert outcome.code == 3
    assert "documents that stay on this machine (handbook)" in outcome.err


def test_without_an_experiment_the_list_says_how_to_run_one(call: Call, root: Path) -> None:
    assert "No experiment has been run yet" in call("-C", root, "experiments", "list").out
    outcome = call("-C", root, "experiments", "table", "none")
    assert outcome.code == 4
    assert "there is no such experiment" in outcome.err
    assert call("-C", root, "training", "run", "handbook", "--from-experiment", "none/best").code == 4


def test_without_skypilot_orphans_says_what_is_missing(
    call: Call, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    outcome = call("-C", root, "experiments", "orphans")
    assert outcome.code == 4
    assert "sky is not installed" in outcome.err


@pytest.fixture
def begun(root: Path) -> tuple[Workspace, Plan]:
    """An experiment of three runs: one done, one at work, one waiting."""
    workspace = Workspace(root)
    home = workspace.home / "experiments" / "grid"
    runs = tuple(PlannedRun(f"r{n}", n, "b", {"epochs": 4}, {"rank": 4 * n}, usd_per_hour=3.6) for n in (1, 2, 3))
    plan = Plan("grid", "handbook", "grid.yaml", "0" * 64, "recall", "local", 2, 9.0, (), 0.5, runs)
    home.mkdir(parents=True)
    save_plan(home, plan)
    journal = Journal(home)
    journal.starts("r1", 1, "local", usd_per_hour=3.6, max_seconds=600.0, until=None)
    outcome = {"recall": 0.75, "right": 3, "asked": 4, "loss": 0.1, "seconds": 100.0, "peak_gib": 2.0, "epochs": 4.0}
    journal.ends("r1", 1, "ok", seconds=120.0, outcome=outcome)
    journal.starts("r2", 1, "local", usd_per_hour=3.6, max_seconds=600.0, until=None)
    work = home / "runs" / "r2" / "work"
    work.mkdir(parents=True)
    step = {"step": 10, "epoch": 2.0, "loss": 0.5, "tokens_per_second": 1234.5, "peak_gib": 1.5, "seconds": 50.0}
    (work / "metrics.jsonl").write_text(json.dumps(step) + '\n{"step": 11, "ep', encoding="utf-8")
    (home / "runs" / "r2" / "heartbeat.json").write_text('{"attempt": 1, "seconds": 60.0}', encoding="utf-8")
    return workspace, plan


def test_the_table_of_an_experiment_under_way_is_shown_in_every_form(
    call: Call, root: Path, begun: tuple[Workspace, Plan], tmp_path: Path
) -> None:
    shown = call("-C", root, "experiments", "table", "grid").out
    assert "75% (3 of 4)" in shown
    assert "--from-experiment grid/r1" in shown
    value = call("-C", root, "experiments", "table", "experiments/grid.yaml", "--json").json()
    assert [row["state"] for row in value["rows"]] == ["done", "running", "waiting"]
    assert value["rows"][1]["left_s"] == 50.0
    assert value["totals"]["usd"] == pytest.approx(0.18)
    assert value["totals"]["usd_at_most"] == pytest.approx(0.12 + 0.6)
    assert call("-C", root, "experiments", "table", "grid", "--format", "markdown").out.startswith("# grid\n")
    assert call("-C", root, "experiments", "table", "grid", "--format", "csv").out.startswith("id,number,setting.rank")
    page = tmp_path / "page.html"
    assert call("-C", root, "experiments", "table", "grid", "--format", "html", "--output", page).code == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    (row,) = call("-C", root, "experiments", "list", "--json").json()
    assert (row["name"], row["done"], row["at_work"], row["keep"]) == ("grid", 1, 1, "grid/r1")


def test_elsewhere_than_on_a_terminal_progress_is_a_line_for_each_change(begun: tuple[Workspace, Plan]) -> None:
    workspace, plan = begun
    stream, now = io.StringIO(), [0.0]
    journal = Journal(workspace.home / "experiments" / "grid")
    with Live(workspace, "grid", stream, clock=lambda: now[0]) as live:
        for _ in range(20):
            live(plan, journal, "")
            now[0] += 0.5
        live(plan, journal, "run 3 ended: infrastructure. its machine is gone")
        now[0] += 20
        live(plan, journal, "")
    assert stream.getvalue().splitlines() == [
        "grid: run 1 (rank 4) done, epoch 4.0 of 4, loss 0.100, recall 75%, peak 2.00 GiB",
        "grid: run 2 (rank 8) running, step 10, epoch 2.0 of 4, loss 0.500, 1,234 tokens/s, peak 1.50 GiB, 0.06 $,"
        " 50 s left",
        "grid: 1 done, 0 failed, 1 at work, 1 waiting of 3, 0.18 $ so far of at most 9.00 $",
        "grid: run 3 ended: infrastructure. its machine is gone",
        "grid: 1 done, 0 failed, 1 at work, 1 waiting of 3, 0.18 $ so far of at most 9.00 $",
    ]


def test_on_a_terminal_the_table_is_sorted_by_what_decides(begun: tuple[Workspace, Plan]) -> None:
    workspace, _ = begun
    stream = io.StringIO()
    Console(file=stream, width=140).print(grid_of(load_table(workspace, "grid")))
    lines = [line.split() for line in stream.getvalue().splitlines()]
    assert lines[1] == ["run", "rank", "state", "step", "loss", "recall", "tokens/s", "GiB", "$", "left"]
    assert [line[:3] for line in lines[2:5]] == [["1", "4", "done"], ["2", "8", "running"], ["3", "12", "waiting"]]
    assert lines[3][3:] == ["10", "0.500", "1,234", "1.50", "0.060", "50", "s"]
