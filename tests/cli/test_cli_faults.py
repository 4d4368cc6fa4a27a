"""What cannot be answered from is told before a question is asked: missing parts, edited manifests, old knowledge."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_call import Call, Outcome

from allotment.cli._open import open_chain
from allotment.databases import Databases
from allotment.project import Project, load_project
from allotment.workspace import Workspace
from project_copy import copy_project
from sealed_adapter import seal

QUESTION = "What is the spending limit for a business dinner per guest?"


@pytest.fixture(scope="module")
def copied(taught: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A copy of the taught company with its database server up."""
    project = copy_project(taught, tmp_path_factory.mktemp("faults") / "project", "adapters")
    with Databases(project, Workspace(project.root)) as databases:
        databases.provision()
        yield project


@pytest.fixture
def untrained(copied: Project) -> Project:
    """The copy without any adapter."""
    shutil.rmtree(copied.root / ".allotment" / "adapters", ignore_errors=True)
    return copied


@pytest.fixture
def sealed(untrained: Project) -> Project:
    """The copy with an adapter for each agent; nobody trained them, so no model can load them."""
    for agent in untrained.agents:
        seal(untrained, Workspace(untrained.root), agent)
    return untrained


def edit_manifest(project: Project, agent: str) -> None:
    file = project.root / ".allotment" / "adapters" / agent / "v1" / "manifest.json"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('"director"', '"visitor"', 1), encoding="utf-8")


def ask(call: Call, project: Project, user: str, *more: str) -> Outcome:
    return call("-C", project.root, "ask", "--user", user, *more, QUESTION)


def test_asking_an_untrained_agent_is_exit_code_4_and_names_its_training(call: Call, untrained: Project) -> None:
    outcome = ask(call, untrained, "eva")
    assert (outcome.code, outcome.out) == (4, "")
    assert "allotment training run handbook" in outcome.err


@pytest.mark.usefixtures("no_models")
def test_asking_without_the_base_model_is_exit_code_4_and_names_the_command_that_brings_it(
    call: Call, sealed: Project
) -> None:
    outcome = ask(call, sealed, "eva")
    assert (outcome.code, outcome.out) == (4, "")
    assert "allotment models pull gemma-3-270m" in outcome.err


@pytest.mark.usefixtures("no_models")
def test_without_any_model_every_missing_one_is_named(call: Call, sealed: Project) -> None:
    outcome = ask(call, sealed, "dana")
    assert outcome.code == 4
    for name in (sealed.models.base, sealed.models.sql):
        assert f"allotment models pull {name}" in outcome.err


def test_asking_an_agent_whose_manifest_was_edited_is_exit_code_3(call: Call, sealed: Project) -> None:
    edit_manifest(sealed, "handbook")
    outcome = ask(call, sealed, "eva")
    assert (outcome.code, outcome.out) == (3, "")
    assert "handbook/v1" in outcome.err
    assert "was edited" in outcome.err


def test_a_dataset_that_is_gone_is_exit_code_4(call: Call, sealed: Project) -> None:
    items = sealed.root / ".allotment" / "dataset" / "handbook" / "items.jsonl"
    kept = items.read_bytes()
    items.unlink()
    try:
        outcome = ask(call, sealed, "eva")
    finally:
        items.write_bytes(kept)
    assert outcome.code == 4
    assert "allotment dataset generate handbook" in outcome.err


def test_an_answer_that_is_not_found_counts_as_missing_where_an_agent_that_might_know_it_is_untrained(
    call: Call, untrained: Project
) -> None:
    outcome = call("-C", untrained.root, "ask", "--user", "sofia", "qqqq zzzz", "--json")
    assert (outcome.code, outcome.json()["outcome"]) == (4, "unknown")
    assert "allotment training run handbook" in outcome.err


def test_an_agent_the_user_may_not_ask_is_refused_whatever_is_missing(call: Call, untrained: Project) -> None:
    assert ask(call, untrained, "eva", "--agent", "board").code == 3


@pytest.mark.usefixtures("no_models")
def test_serving_where_nothing_can_be_answered_does_not_start(call: Call, sealed: Project, free_port: str) -> None:
    outcome = call("-C", sealed.root, "serve", "--port", free_port)
    assert outcome.code == 4
    assert "allotment models pull gemma-3-270m" in outcome.err
    assert "Serving" not in outcome.err


def test_serving_with_edited_manifests_alone_is_exit_code_3(call: Call, small: Path, free_port: str) -> None:
    call("-C", small, "documents", "ingest")
    workspace = Workspace(small)
    for agent in ("rules", "plans"):
        (workspace.dataset_dir(agent)).mkdir(parents=True)
        (workspace.dataset_dir(agent) / "items.jsonl").touch()
        seal(load_project(small), workspace, agent)
        manifest = workspace.adapters_dir(agent) / "v1" / "manifest.json"
        manifest.write_text(manifest.read_text(encoding="utf-8").replace('"boss"', '"clerk"', 1), encoding="utf-8")
    outcome = call("-C", small, "serve", "--port", free_port)
    assert outcome.code == 3
    assert "rules/v1" in outcome.err
    assert "plans/v1" in outcome.err


def test_an_open_chain_with_all_its_parts_misses_nothing(sealed: Project) -> None:
    with open_chain(sealed.root) as opened:
        assert opened.missing() == []


def test_a_chain_without_its_models_is_not_ready(
    sealed: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_chain(sealed.root) as opened:
        monkeypatch.setenv("ALLOTMENT_MODELS", str(tmp_path))
        told = " ".join(opened.missing())
    assert "allotment models pull gemma-3-270m" in told
    assert "allotment models pull qwen2.5-coder-1.5b-instruct" in told
