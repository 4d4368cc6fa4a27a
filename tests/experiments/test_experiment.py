"""One experiment for real: a run that learns, one that is killed and resumes, one with bad data; its winner served."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from allotment.errors import ManifestError, PolicyError, ProjectError
from allotment.evaluation import is_right
from allotment.experiments import (
    Journal,
    Table,
    _supervise,
    list_experiments,
    load_curves,
    load_table,
    origin_of,
    plan_experiment,
    run_experiment,
    to_html,
)
from allotment.experiments._plan import experiments_dir
from allotment.project import Project
from allotment.training import UNGATED, load_manifest, run
from allotment.workspace import Workspace
from project_copy import copy_project

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore::FutureWarning")]

FILE = """
agent: handbook
training: {epochs: 12, batch_size: 4, target_loss: 0, probe_steps: 0, checkpoint_minutes: 0.0001, rank: 4}
runs:
  - {learning_rate: 1e-3}
  - {learning_rate: 1e-2}
  - {max_length: 32}
decide: loss
price_usd_per_hour: 3.6
limits: {in_flight: 3, max_cost_usd: 5, max_minutes: 20}
"""


def write_file(project: Project, text: str = FILE, name: str = "first") -> Path:
    path = project.root / "experiments" / f"{name}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def carry_out(project: Project, path: Path, **more: Any) -> Table:
    workspace = Workspace(project.root)
    experiment = plan_experiment(project, workspace, path)
    run_experiment(project, workspace, experiment, is_right=is_right, **more)
    return load_table(workspace, experiment.plan.name)


@pytest.fixture(scope="module")
def done(tiny_company: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Table]]:
    """The experiment, whose second run's supervisor was killed in the middle. Not to be altered."""
    project = copy_project(tiny_company, tmp_path_factory.mktemp("experiment") / "project")
    path = write_file(project)
    experiment = plan_experiment(project, Workspace(project.root), path)
    folder = experiments_dir(Workspace(project.root)) / "first" / "runs" / experiment.plan.runs[1].id
    killed: list[int] = []

    def tell(*_: Any) -> None:
        rows = folder / "work" / "metrics.jsonl"
        if not killed and rows.exists() and len(rows.read_text("utf-8").splitlines()) >= 6:
            killed.append(int(_supervise.read_json(folder / "process.json")["pid"]))
            os.kill(killed[0], signal.SIGKILL)

    yield project, carry_out(project, path, tell=tell)
    assert killed


def test_every_run_ends_where_it_belongs_and_is_paid_for_once(done: tuple[Project, Table]) -> None:
    _, table = done
    assert [row.state for row in table.rows] == ["done", "done", "bad-data"]
    assert [row.attempts for row in table.rows] == [1, 2, 1]
    assert table.rows[2].error == "training.max_length: no example fits into 32 tokens."
    first, second, _ = table.rows
    assert first.usd == pytest.approx(first.minutes_paid * 60 / 1000, rel=1e-6)
    assert 0 < (second.usd_failed or 0.0) < (second.usd or 0.0)
    assert table.totals.usd == pytest.approx(sum(row.usd or 0.0 for row in table.rows))
    assert all((row.asked, row.step, row.epochs) == (5, 60, 12.0) for row in (first, second))


def test_a_killed_run_resumes_and_learns_what_it_would_have_learnt(done: tuple[Project, Table], tmp_path: Path) -> None:
    project, table = done
    folder = experiments_dir(Workspace(project.root)) / "first" / "runs"
    rows = (folder / table.rows[1].id.partition("/")[2] / "work" / "metrics.jsonl").read_text("utf-8").splitlines()
    resumed = [row["step"] for row in map(json.loads, rows) if row.get("event") == "resumed"]
    assert len(resumed) == 1
    assert resumed[0] >= 4
    (curve,) = [curve for curve in load_curves(Workspace(project.root), "first") if curve.id == table.rows[1].id]
    assert [step for step, _ in curve.loss] == list(range(1, 61))


def test_run_again_it_starts_nothing(done: tuple[Project, Table]) -> None:
    project, table = done
    news: list[str] = []
    path = project.root / "experiments" / "first.yaml"
    again = carry_out(project, path, tell=lambda plan, journal, told: news.append(told))
    assert again == table
    assert [told for told in news if told] == []


def test_the_specs_hold_the_agents_own_dataset_and_no_answer_to_what_is_asked(done: tuple[Project, Table]) -> None:
    project, _ = done
    workspace = Workspace(project.root)
    own = (workspace.dataset_dir("handbook") / "items.jsonl").read_text(encoding="utf-8")
    others = (workspace.dataset_dir("board") / "items.jsonl").read_text(encoding="utf-8")
    for folder in (experiments_dir(workspace) / "first" / "runs").iterdir():
        for name in ("spec.json", "work/examples.jsonl", "work/questions.jsonl"):
            text = (folder / name).read_text(encoding="utf-8")
            assert not any(json.loads(line)["answer"] in text for line in others.splitlines())
        learnt = [json.loads(line) for line in (folder / "work/examples.jsonl").read_text("utf-8").splitlines()]
        assert all(json.dumps(row["answer"].removesuffix("<|im_end|>"))[1:-1] in own for row in learnt)
        asked = (folder / "work/questions.jsonl").read_text(encoding="utf-8")
        assert set(json.loads(asked.splitlines()[0])) == {"id", "prompt"}


def test_the_winner_becomes_the_adapter_without_a_second_training_and_its_manifest_says_so(
    done: tuple[Project, Table], tmp_path: Path
) -> None:
    source, table = done
    project = copy_project(source, tmp_path / "project")
    workspace = Workspace(project.root)
    assert table.keep is not None
    assert table.keep.number == 2
    winner = origin_of(project, workspace, "first/best", "handbook")
    result = run(
        winner.project, workspace, "handbook", lambda *_: pytest.fail("it trained"), gate=UNGATED, origin=winner.origin
    )
    manifest = result.manifest
    assert manifest.experiment is not None
    assert (manifest.experiment["id"], manifest.experiment["decided_by"]) == (table.keep.run, "loss")
    assert manifest.experiment["file_sha256"] == table.file_sha256
    assert manifest.training["learning_rate"] == 1e-2
    assert "of an experiment" in (Path(manifest.folder) / "report.html").read_text(encoding="utf-8")
    assert run(winner.project, workspace, "handbook", gate=UNGATED, origin=winner.origin).reused
    file = Path(manifest.folder) / "manifest.json"
    file.write_text(file.read_text(encoding="utf-8").replace(table.keep.run, "first/other"), encoding="utf-8")
    with pytest.raises(ManifestError, match="edited"):
        load_manifest(project, workspace, "handbook", manifest.version)


def test_only_a_run_that_ended_well_and_of_that_agent_becomes_an_adapter(done: tuple[Project, Table]) -> None:
    project, _ = done
    workspace = Workspace(project.root)
    with pytest.raises(ProjectError, match="the run is bad-data"):
        origin_of(project, workspace, "first/3", "handbook")
    with pytest.raises(ProjectError, match="is of the agent 'handbook'"):
        origin_of(project, workspace, "first/1", "board")
    changed = workspace.dataset_dir("handbook") / "items.jsonl"
    assert origin_of(project, workspace, "first/1", "handbook").origin.work is not None
    assert changed.exists()


def test_the_page_and_the_list_are_there_for_others_to_read(done: tuple[Project, Table]) -> None:
    project, table = done
    workspace = Workspace(project.root)
    (summary,) = list_experiments(workspace)
    assert (summary.name, summary.runs, summary.done, summary.failed) == ("first", 3, 2, 1)
    assert summary.keep == table.rows[1].id
    page = to_html(table, load_curves(workspace, "first"))
    assert page.count("<svg") == 3
    assert "http://www.w3.org/2000/svg" in page
    assert page.count("http") == page.count("http://www.w3.org/2000/svg") + page.count("http-equiv")


def test_a_second_file_of_the_same_name_and_a_second_driver_are_refused(done: tuple[Project, Table]) -> None:
    project, _ = done
    workspace = Workspace(project.root)
    other = write_file(project, FILE + "name: first\n", "second")
    with pytest.raises(ProjectError, match="an experiment 'first' is there already"):
        carry_out(project, other)
    with workspace.lock("experiment-first"), pytest.raises(ProjectError, match="another command is working"):
        carry_out(project, project.root / "experiments/first.yaml")
    other.unlink()


def test_runs_that_another_executor_started_are_not_lost_by_a_change_of_mind(
    company: Project, workspace: Workspace
) -> None:
    experiment = plan_experiment(company, workspace, write_file(company))
    home = experiments_dir(workspace) / "first"
    home.mkdir(parents=True)
    Journal(home).starts(experiment.plan.runs[0].id, 1, "ray", usd_per_hour=3.6, max_seconds=60.0, until=None)
    with pytest.raises(ProjectError, match="started by the executor 'ray' and may still be at work"):
        run_experiment(company, workspace, experiment, is_right=is_right)


@pytest.mark.parametrize(
    ("place", "told"),
    [("executor: pods\npods: {accelerator: RTX 4090}\n", "pods"), ("executor: ray\nray: {address: 'h:1'}\n", "ray")],
)
def test_documents_that_stay_here_are_refused_for_machines_elsewhere(
    place: str, told: str, company: Project, workspace: Workspace
) -> None:
    path = write_file(company, FILE + place)
    documents = {**company.documents, "handbook": company.documents["handbook"].model_copy(update={"local_only": True})}
    closed = company.model_copy(update={"documents": documents})
    with pytest.raises(PolicyError, match=r"stay on this machine \(handbook\)") as caught:
        plan_experiment(closed, workspace, path)
    assert told in caught.value.element
    assert plan_experiment(closed, workspace, write_file(company)).plan.executor == "local"
