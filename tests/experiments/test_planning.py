"""The plan: memory, minutes and dollars of every run, and what is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from allotment.errors import DatasetError, PolicyError, ProjectError
from allotment.experiments import PlannedRun, files_to_send, plan_experiment
from allotment.project import Project
from allotment.training import Card
from allotment.workspace import Workspace, write_atomic

HEAD = "agent: handbook\nlimits: {max_minutes: 30}\n"


@pytest.fixture
def path(company: Project) -> Path:
    return company.root / "plan.yaml"


def planned(company: Project, path: Path, text: str, **more: object) -> tuple[PlannedRun, ...]:
    path.write_text(text, encoding="utf-8")
    return plan_experiment(company, Workspace(company.root), path, **more).plan.runs  # type: ignore[arg-type]


def test_every_run_has_its_memory_before_it_starts(company: Project, path: Path) -> None:
    small, large = planned(company, path, HEAD + "vary: {method: [lora, full]}\n")
    assert small.peak_gib is not None and large.peak_gib is not None
    assert small.safe_gib is not None
    assert 0 < small.peak_gib < small.safe_gib < 2
    assert small.peak_gib < large.peak_gib


def test_on_a_rented_card_minutes_and_dollars_are_known_before_the_run(company: Project, path: Path) -> None:
    pods = "executor: pods\npods: {accelerator: RTX 4090, infra: runpod}\n"
    company = company.model_copy(update={"models": company.models.model_copy(update={"base": "base.gguf"})})
    runs = planned(company, path, HEAD + pods + "base: base.gguf\nvary: {epochs: [2, 4]}\n")
    assert runs[0].usd_per_hour == 0.6  # the dearest of the provider's: nobody knows yet which it will be
    assert runs[1].minutes == pytest.approx(2 * (runs[0].minutes or 0.0))
    assert runs[1].usd == pytest.approx(0.6 / 60 * (runs[1].minutes or 0.0))
    assert runs[0].max_seconds == 1800


def test_a_run_that_cannot_fit_is_refused_before_anything_starts(company: Project, path: Path) -> None:
    text = "agent: handbook\nlimits: {memory_gib: 0.3}\nvary: {rank: [4]}\n"
    (run,) = planned(company, path, text)
    assert run.refused.startswith("out of memory: it needs up to 0.6 GiB and there are 0.3")
    (tried,) = planned(company, path, text.replace("0.3}", "0.3, refuse_unfit: false}"))
    assert tried.refused == ""


def test_a_mix_that_leaves_nothing_is_refused_and_costs_its_own_row_alone(company: Project, path: Path) -> None:
    text = HEAD + "vary: {mix: [{}, {question: 0.0}]}\n"
    assert [run.refused for run in planned(company, path, text)] == [
        "",
        "bad data: its mix leaves nothing to train on",
    ]


def test_a_setting_that_the_model_does_not_have_is_refused_in_its_own_row(company: Project, path: Path) -> None:
    first, second = planned(company, path, HEAD + "runs: [{target_modules: [no_such_layer]}, {rank: 4}]\n")
    assert first.refused.startswith("configuration: ")
    assert "no_such_layer" in first.refused
    assert second.refused == ""


def test_an_unknown_price_or_duration_is_no_permission_to_spend(company: Project, path: Path) -> None:
    with pytest.raises(ProjectError, match="nobody knows what an hour costs"):
        planned(company, path, HEAD + "vary: {rank: [4]}\n", max_cost_usd=1.0)
    endless = "agent: handbook\nprice_usd_per_hour: 1\nvary: {rank: [4]}\n"
    with pytest.raises(ProjectError, match="nobody knows how long run 1 takes"):
        planned(company, path, endless, max_cost_usd=1.0)
    assert planned(company, path, endless, max_cost_usd=1.0, max_minutes=5)[0].max_seconds == 300


def test_a_price_list_without_the_card_says_which_cards_it_has(company: Project, path: Path) -> None:
    text = HEAD + "executor: pods\npods: {accelerator: RTX 9999}\nvary: {rank: [4]}\n"
    with pytest.raises(ProjectError, match="the price list has no 'RTX 9999'") as caught:
        planned(company, path, text)
    assert "RTX 4090" in caught.value.remedy
    elsewhere = HEAD + "executor: pods\npods: {accelerator: RTX A5000, infra: vast}\nvary: {rank: [4]}\n"
    with pytest.raises(ProjectError, match="no 'RTX A5000' at vast"):
        planned(company, path, elsewhere)
    mine = (Card("RTX 4090", 24.0, 165.2, 0.44, None, "your price"),)
    known = text.replace("9999", "4090")
    assert planned(company, path, known, cards=mine)[0].usd_per_hour == 0.44


def test_another_dataset_makes_other_runs(company: Project, path: Path) -> None:
    before = planned(company, path, HEAD + "vary: {rank: [4, 8]}\n")
    file = Workspace(company.root).dataset_dir("handbook") / "items.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines()
    write_atomic(file, "\n".join(lines[:-1]) + "\n")
    after = planned(company, path, HEAD + "vary: {rank: [4, 8]}\n")
    assert not {run.id for run in before} & {run.id for run in after}
    again = planned(company, path, HEAD + "vary: {rank: [8, 16]}\n")
    assert again[0].id == after[1].id  # a run is its settings, wherever the file has it


def test_without_a_dataset_or_with_foreign_items_nothing_is_planned(company: Project, path: Path) -> None:
    with pytest.raises(DatasetError):
        planned(company, path, "agent: sales\nvary: {rank: [4]}\n")
    file = Workspace(company.root).dataset_dir("handbook") / "items.jsonl"
    text = file.read_text(encoding="utf-8")
    write_atomic(file, text.replace('"readers": ["director", "employee", ', '"readers": ["director", ', 1))
    with pytest.raises(PolicyError):
        planned(company, path, HEAD + "vary: {rank: [4]}\n")
    with pytest.raises(ProjectError, match="there is no agent 'nobody'"):
        planned(company, path, "agent: nobody\nvary: {rank: [4]}\n")


def test_what_would_be_sent_away_is_listed_and_nothing_stays_unnamed(company: Project, path: Path) -> None:
    path.write_text(HEAD + "executor: pods\npods: {accelerator: RTX 4090}\nvary: {rank: [4]}\n", encoding="utf-8")
    workspace = Workspace(company.root)
    experiment = plan_experiment(company, workspace, path)
    listed = files_to_send(company, workspace, experiment)
    assert [file.name for file in listed] == [
        "spec.json", "examples.jsonl", "questions.jsonl", "checkpoints", "base.gguf",
    ]  # fmt: skip
    told = {file.name: file.what for file in listed}
    assert told["examples.jsonl"].startswith("20 questions and answers from")
    assert all(file.size_bytes > 0 for file in listed if file.name != "checkpoints")
    path.write_text(HEAD + "vary: {rank: [4]}\n", encoding="utf-8")
    assert files_to_send(company, workspace, plan_experiment(company, workspace, path)) == ()
