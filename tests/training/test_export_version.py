"""A version that leaves the project: copied, for vLLM, or merged; sound ones alone, with whom they may answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tiny_trained import random_adapter, random_change, tiny_base

from allotment.errors import AllotmentError, ManifestError, ProjectError, TrainingError
from allotment.project import Project
from allotment.training import Manifest
from allotment.training._manifest import write_manifest
from allotment.training.serving._export import VLLM_RANKS, export_version, vllm_faults
from allotment.training.serving._folders import check_folder
from allotment.training.serving._gguf import export_gguf
from allotment.training.serving._merge import merge
from allotment.workspace import Workspace, hash_file
from project_copy import copy_project
from sealed_adapter import seal

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT asks transformers by a name that is to go

AGENT = "board"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture
def project(taught: Project, tmp_path: Path, folder: Path) -> Project:
    """The taught company on a tiny base model."""
    copied = copy_project(taught, tmp_path / "project", "adapters")
    file, _, _ = tiny_base(folder)
    return copied.model_copy(update={"models": copied.models.model_copy(update={"base": str(file)})})


def trained(project: Project, folder: Path, *, method: str = "lora", **settings: Any) -> Manifest:
    """A sealed version with what a training leaves; the adapter is random."""
    workspace = Workspace(project.root)
    file, model, _ = tiny_base(folder)
    work = project.root / "work"
    if method in ("partial", "full"):
        random_change(model, ("layers.1",), work / "changed" / "changed.safetensors")
    else:
        random_adapter(model, work / "peft", use_dora=method == "dora", use_rslora=method == "rslora", **settings)
    serves = "adapter" if method in ("lora", "rslora", "qlora") else "model"
    if serves == "adapter" and not settings.get("modules_to_save"):
        export_gguf(work / "peft", file, work / "served.gguf")
    else:
        (work / "served.gguf").write_bytes(b"GGUF")
    sealed = seal(project, workspace, AGENT, "v1", (work / "served.gguf").read_bytes())
    place = Path(sealed.folder)
    for part in ("peft", "changed"):
        if (work / part).is_dir():
            (work / part).rename(place / part)
    (place / "adapter.gguf").rename(place / f"{serves}.gguf")
    others = [path for path in place.rglob("*") if path.is_file() and path.suffix != ".gguf" and path.parent != place]
    files = {path.relative_to(place).as_posix(): hash_file(path) for path in others}
    manifest = sealed.model_copy(update={"files": files, "method": method, "serves": serves})
    write_manifest(workspace, place, manifest)
    return manifest


def export(project: Project, output: Path, **options: Any) -> Any:
    return export_version(project, Workspace(project.root), AGENT, "v1", output, **options)


def test_an_export_is_the_version_byte_for_byte_with_whom_it_may_answer(
    project: Project, folder: Path, tmp_path: Path
) -> None:
    manifest = trained(project, folder)
    (Path(manifest.folder) / "peft" / "left behind").write_text("not sealed", encoding="utf-8")
    done = export(project, tmp_path / "out")
    assert set(done.files) == {*manifest.files, "adapter.gguf", "manifest.json", "README.md"}
    for name in set(done.files) - {"README.md"}:
        assert (tmp_path / "out" / name).read_bytes() == (Path(manifest.folder) / name).read_bytes()
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert done.clearance == ("director",)
    assert "`director`" in card
    assert "documents/board/acquisition-plan.md" in card


def test_an_export_for_vllm_is_the_adapter_and_how_to_serve_it(project: Project, folder: Path, tmp_path: Path) -> None:
    manifest = trained(project, folder, method="rslora")
    done = export(project, tmp_path / "board", engine="vllm")
    assert {"adapter_config.json", "adapter_model.safetensors", "manifest.json", "README.md"} <= set(done.files)
    card = (tmp_path / "board" / "README.md").read_text(encoding="utf-8")
    assert f"--enable-lora --max-lora-rank 16 --lora-modules board-v1-{manifest.adapter_sha256[:12]}=board" in card
    assert "**Only director may ask it.**" in card


@pytest.mark.parametrize(
    ("method", "settings", "reason", "way_out"),
    [
        ("dora", {}, "DoRA", "training merge board/v1"),
        ("partial", {}, "no adapter but a whole model", "training merge board/v1"),
        ("lora", {"modules_to_save": ["norm"]}, "modules_to_save", "training merge board/v1"),
        ("lora", {"r": 24}, "rank is 24, and vLLM takes up to 16", "--max-lora-rank 32 and export with --max-rank 32"),
        ("lora", {"r": 24, "max_rank": 8}, "rank is 24, and vLLM takes up to 8", "--max-rank 32"),
    ],
)
def test_what_vllm_cannot_serve_is_refused_with_the_way_out(
    project: Project, folder: Path, tmp_path: Path, method: str, settings: dict[str, Any], reason: str, way_out: str
) -> None:
    options = {"max_rank": settings.pop("max_rank")} if "max_rank" in settings else {}
    trained(project, folder, method=method, **settings)
    with pytest.raises(TrainingError, match=reason) as refused:
        export(project, tmp_path / "out", engine="vllm", **options)
    assert way_out in refused.value.remedy
    assert not (tmp_path / "out").exists()


def test_a_server_started_for_more_takes_more(project: Project, folder: Path, tmp_path: Path) -> None:
    trained(project, folder, r=24)
    with pytest.raises(ProjectError, match="no --max-lora-rank 24"):
        export(project, tmp_path / "out", engine="vllm", max_rank=24)
    assert 32 in VLLM_RANKS
    assert "adapter_model.safetensors" in export(project, tmp_path / "out", engine="vllm", max_rank=32).files


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"target_modules": ["q_proj", "embed_tokens"]}, "it adapts embed_tokens"),
        ({"target_modules": ["model.layers.0.mlp.up_proj", "lm_head"]}, "it adapts lm_head"),
        ({"bias": "all"}, "it trains biases"),
        ({"rank_pattern": {"q_proj": 4}}, "its layers differ in rank or alpha"),
        ({"use_dora": True}, "it is DoRA"),
    ],
)
def test_every_reason_is_known(config: dict[str, Any], fault: str) -> None:
    assert vllm_faults({"target_modules": ["q_proj", "down_proj"], "bias": "none", "use_rslora": True}) == []
    assert vllm_faults({"target_modules": ["q_proj"], **config}) == [fault]


@pytest.mark.parametrize("method", ["lora", "dora", "partial"])
def test_a_merged_version_is_a_model_with_a_seal(project: Project, folder: Path, tmp_path: Path, method: str) -> None:
    from transformers import AutoModelForCausalLM

    trained(project, folder, method=method)
    done = merge(project, Workspace(project.root), AGENT, "v1", tmp_path / "out")
    assert (done.adapter, done.precision, done.clearance) == ("board/v1", "fp32", ("director",))
    sealed = check_folder(Workspace(project.root), tmp_path / "out")
    assert sealed["manifest"]["clearance"] == ["director"]
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(sealed["files"])
    assert AutoModelForCausalLM.from_pretrained(str(tmp_path / "out")).config.num_hidden_layers == 2
    (tmp_path / "out" / "model.safetensors").write_bytes(b"other")
    with pytest.raises(ManifestError):
        check_folder(Workspace(project.root), tmp_path / "out")


@pytest.mark.parametrize("fault", ["edited", "exchanged", "stale", "another base", "another template", "full folder"])
@pytest.mark.parametrize("way", ["export", "vllm", "merge"])
def test_what_is_not_sound_does_not_leave(project: Project, folder: Path, tmp_path: Path, fault: str, way: str) -> None:
    manifest = trained(project, folder)
    place, output = Path(manifest.folder), tmp_path / "out"
    if fault == "edited":
        file = place / "manifest.json"
        file.write_text(file.read_text(encoding="utf-8").replace('"director"', '"employee"'), encoding="utf-8")
    elif fault == "exchanged":
        (place / "peft" / "adapter_model.safetensors").write_bytes(b"other")
    elif fault == "stale":
        (project.root / "documents" / "board" / "acquisition-plan.md").write_text("# Other\n", encoding="utf-8")
    elif fault == "full folder":
        output.mkdir()
        (output / "mine").touch()
    else:
        field = "base_sha256" if fault == "another base" else "template_sha256"
        write_manifest(Workspace(project.root), place, manifest.model_copy(update={field: "0" * 64}))
    with pytest.raises(AllotmentError):
        if way == "merge":
            merge(project, Workspace(project.root), AGENT, "v1", output)
        else:
            export(project, output, engine="vllm" if way == "vllm" else None)
    assert [path.name for path in output.iterdir()] == ["mine"] if fault == "full folder" else not output.exists()
    assert not list(tmp_path.glob(".out*"))


def test_a_merge_that_fails_leaves_nothing(project: Project, folder: Path, tmp_path: Path) -> None:
    manifest = trained(project, folder)
    config = Path(manifest.folder) / "peft" / "adapter_config.json"
    settings = json.loads(config.read_text(encoding="utf-8")) | {"target_modules": ["no_such_layer"]}
    config.write_text(json.dumps(settings), encoding="utf-8")
    files = {**manifest.files, "peft/adapter_config.json": hash_file(config)}
    write_manifest(Workspace(project.root), Path(manifest.folder), manifest.model_copy(update={"files": files}))
    with pytest.raises(ValueError):
        merge(project, Workspace(project.root), AGENT, "v1", tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))
