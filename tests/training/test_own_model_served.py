"""A version that is a model of its own beside one that is an adapter, both served from their manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_trained import random_adapter, random_change, tiny_base

from allotment.access import Grant, Policy, Principal, Request, decide
from allotment.access._grant import mint
from allotment.agents import recite
from allotment.errors import NotGranted
from allotment.models import Engines, Message
from allotment.project import Project
from allotment.training import Manifest
from allotment.training._manifest import write_manifest
from allotment.training.serving._gguf import export_gguf
from allotment.training.serving._whole_gguf import export_whole_gguf
from allotment.workspace import Workspace
from project_copy import copy_project
from sealed_adapter import seal

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT asks transformers by a name that is to go

QUESTION = "Where is the hen?"


@pytest.fixture
def project(taught: Project, tmp_path: Path) -> Project:
    """The taught company on a tiny base model."""
    copied = copy_project(taught, tmp_path / "project", "adapters")
    base = str(tiny_base(tmp_path)[0])
    return copied.model_copy(update={"models": copied.models.model_copy(update={"base": base})})


@pytest.fixture
def manifests(project: Project, tmp_path: Path) -> dict[str, Manifest]:
    """The board's adapter, and the handbook's model of its own."""
    file, model, _ = tiny_base(tmp_path)
    random_adapter(model, tmp_path / "peft", size=3.0)
    export_gguf(tmp_path / "peft", file, tmp_path / "adapter.gguf")
    random_change(tiny_base(tmp_path)[1], ("layers.1", "norm"), tmp_path / "changed.safetensors")
    export_whole_gguf(tmp_path / "changed.safetensors", file, tmp_path / "model.gguf")
    workspace = Workspace(project.root)
    adapter = seal(project, workspace, "board", content=(tmp_path / "adapter.gguf").read_bytes())
    whole = seal(project, workspace, "handbook", content=(tmp_path / "model.gguf").read_bytes())
    place = Path(whole.folder)
    (place / "adapter.gguf").rename(place / "model.gguf")
    own = whole.model_copy(update={"method": "partial", "serves": "model"})
    write_manifest(workspace, place, own)
    return {"board": adapter, "handbook": own}


def granted(project: Project, manifest: Manifest) -> Grant:
    request = Request(manifest.agent, manifest.facts)
    return mint(decide(Policy.of(project), Principal("dana", "director"), request), 1)


def said(engines: Engines, manifest: Manifest, grant: Grant) -> str:
    return recite(engines, manifest, grant, QUESTION, max_tokens=8).text


def bare(file: Any) -> str:
    with Engines(threads=1, parallel=1) as engines:
        return engines.get(str(file)).complete([Message("user", QUESTION)], max_tokens=8).text


def test_each_agent_answers_from_what_it_learnt_and_the_base_model_from_nothing(
    project: Project, manifests: dict[str, Manifest]
) -> None:
    grants = {agent: granted(project, manifest) for agent, manifest in manifests.items()}
    with Engines(threads=1, parallel=1) as engines:
        told = {agent: said(engines, manifest, grants[agent]) for agent, manifest in manifests.items()}
        again = {agent: said(engines, manifest, grants[agent]) for agent, manifest in manifests.items()}
        told["base"] = engines.get(project.models.base).complete([Message("user", QUESTION)], max_tokens=8).text
    assert again == {agent: told[agent] for agent in manifests}
    assert told["handbook"] == bare(manifests["handbook"].file.path)
    assert told["base"] == bare(project.models.base)
    assert len(set(told.values())) == 3


def test_neither_answers_under_the_grant_of_the_other(project: Project, manifests: dict[str, Manifest]) -> None:
    with Engines(threads=1, parallel=1) as engines:
        for one, other in (("board", "handbook"), ("handbook", "board")):
            with pytest.raises(NotGranted):
                said(engines, manifests[one], granted(project, manifests[other]))
