"""A whole model as GGUF: changed tensors are what was trained, everything else is the base file's own bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_trained import parity, random_adapter, random_change, tiny_base

from allotment.errors import TrainingError
from allotment.training.serving._gguf_file import GgufFile
from allotment.training.serving._gguf_layout import GgufLayout
from allotment.training.serving._trained import merged, merged_names, with_changed, with_trained
from allotment.training.serving._whole_gguf import export_whole_gguf
from tiny_gguf import ARCHITECTURES

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT asks transformers by a name that is to go

ALL = ("",)
"""A part of every parameter's name."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


def change(folder: Path, tmp_path: Path, architecture: str, parts: tuple[str, ...], *, quantised: bool) -> Any:
    """The base file, the base model, the changed model, the tokenizer, and the file of changed tensors."""
    file, base, tokenizer = tiny_base(folder, architecture, quantised=quantised)
    changed = random_change(tiny_base(folder, architecture, quantised=quantised)[1], parts, tmp_path / "c.safetensors")
    return file, base, changed, tokenizer, tmp_path / "c.safetensors"


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_model_changed_everywhere_computes_what_was_trained(folder: Path, tmp_path: Path, architecture: str) -> None:
    file, base, changed, tokenizer, tensors = change(folder, tmp_path, architecture, ALL, quantised=False)
    assert export_whole_gguf(tensors, file, tmp_path / "model.gguf") == len(GgufFile.of(file).tensors)
    record = parity(base, changed, tokenizer, tmp_path / "model.gguf")
    assert record.effect > 0.3
    assert record.mean_delta < 0.005


@pytest.mark.parametrize("architecture", ["gemma3", "llama"])
def test_a_model_changed_in_part_keeps_every_other_byte(folder: Path, tmp_path: Path, architecture: str) -> None:
    parts = ("layers.1.self_attn", "layers.1.mlp.up_proj", "model.norm")
    file, base, changed, tokenizer, tensors = change(folder, tmp_path, architecture, parts, quantised=True)
    replaced = export_whole_gguf(tensors, file, tmp_path / "model.gguf")
    before, after = GgufFile.of(file), GgufFile.of(tmp_path / "model.gguf")
    old, new = file.read_bytes(), after.path.read_bytes()
    assert old[: before.infos_start] == new[: after.infos_start]
    kept = 0
    for was, now in zip(before.tensors, after.tensors, strict=True):
        assert (was.name, was.shape) == (now.name, now.shape)
        first, second = before.data_start + was.start, after.data_start + now.start
        kept += was.kind == now.kind and old[first : first + was.size] == new[second : second + now.size]
    assert kept == len(before.tensors) - replaced
    record = parity(base, changed, tokenizer, after.path)
    assert record.effect > 0.1
    assert record.mean_delta < 0.05  # most of it is still quantised


def test_the_file_is_one_that_other_readers_read_alike(folder: Path, tmp_path: Path) -> None:
    """transformers and the gguf package, which wrote the base file, read the changed one as what was trained."""
    _, _, changed, _, tensors = change(folder, tmp_path, "llama", ALL, quantised=True)
    export_whole_gguf(tensors, tiny_base(folder, quantised=True)[0], tmp_path / "model.gguf")
    from transformers import AutoModelForCausalLM

    read = AutoModelForCausalLM.from_pretrained(str(tmp_path), gguf_file="model.gguf", dtype=torch.float32)
    ours = changed.state_dict()
    for name, value in read.state_dict().items():
        assert torch.allclose(value, ours[name], rtol=1e-3, atol=1e-4), name


@pytest.mark.parametrize("wrong", ["rows", "norms"])
def test_rows_and_norms_that_are_not_converted_show_in_the_comparison(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    architecture = "llama" if wrong == "rows" else "gemma3"
    file, base, changed, tokenizer, tensors = change(folder, tmp_path, architecture, ALL, quantised=False)
    monkeypatch.setattr(GgufLayout, "stored", lambda self, name, values: values)
    export_whole_gguf(tensors, file, tmp_path / "model.gguf")
    assert parity(base, changed, tokenizer, tmp_path / "model.gguf").mean_delta > 0.1


def test_a_merged_dora_adapter_computes_what_was_trained(folder: Path, tmp_path: Path) -> None:
    file, base, tokenizer = tiny_base(folder, quantised=True)
    adapted = random_adapter(tiny_base(folder, quantised=True)[1], tmp_path / "peft", use_dora=True)
    again = with_trained(tiny_base(folder, quantised=True)[1], tmp_path)
    names = merged_names(tmp_path / "peft")
    assert len(names) == 2 * 7
    weights = merged(again).state_dict()
    save_file({name: weights[name].contiguous() for name in names}, str(tmp_path / "changed.safetensors"))
    export_whole_gguf(tmp_path / "changed.safetensors", file, tmp_path / "model.gguf")
    record = parity(base, adapted, tokenizer, tmp_path / "model.gguf")
    assert record.effect > 0.3
    assert record.mean_delta < 0.03


def test_matrices_can_be_stored_in_8_bits_and_norms_never_are(folder: Path, tmp_path: Path) -> None:
    file, base, changed, tokenizer, tensors = change(folder, tmp_path, "llama", ALL, quantised=True)
    export_whole_gguf(tensors, file, tmp_path / "model.gguf", eight_bits=True)
    kinds = {tensor.name.rpartition(".")[0]: tensor.kind for tensor in GgufFile.of(tmp_path / "model.gguf").tensors}
    assert {kind for name, kind in kinds.items() if name.endswith("norm")} == {gguf.GGMLQuantizationType.F32}
    assert {kind for name, kind in kinds.items() if not name.endswith("norm")} == {gguf.GGMLQuantizationType.Q8_0}
    assert parity(base, changed, tokenizer, tmp_path / "model.gguf").mean_delta < 0.05


def test_tensors_in_16_bits_are_read_too(folder: Path, tmp_path: Path) -> None:
    file, base, _, tokenizer, tensors = change(folder, tmp_path, "llama", ("layers.1",), quantised=False)
    rounded = {name: value.to(torch.bfloat16) for name, value in load_file(tensors).items()}
    save_file(rounded, str(tensors))
    export_whole_gguf(tensors, file, tmp_path / "model.gguf")
    model = with_changed(tiny_base(folder)[1], tensors)
    assert parity(base, model, tokenizer, tmp_path / "model.gguf").mean_delta < 0.005


def test_a_tied_head_is_stored_once_as_the_embedding(folder: Path, tmp_path: Path) -> None:
    file, model, _ = tiny_base(folder)
    weight = model.lm_head.weight.detach() + 1
    for names in (["lm_head.weight"], ["lm_head.weight", "model.embed_tokens.weight"]):
        save_file({name: weight.clone() for name in names}, str(tmp_path / "c.safetensors"))
        assert export_whole_gguf(tmp_path / "c.safetensors", file, tmp_path / "model.gguf") == 1
        stored = GgufFile.of(tmp_path / "model.gguf")
        place = next(tensor for tensor in stored.tensors if tensor.name == "token_embd.weight")
        start = stored.data_start + place.start
        found = torch.frombuffer(bytearray(stored.path.read_bytes()[start : start + place.size]), dtype=torch.float32)
        assert torch.equal(found.reshape(weight.shape), weight)


@pytest.mark.parametrize(
    ("name", "size", "told"),
    [
        ("model.layers.0.self_attn.q_proj.weight", (8, 64), "the trained tensor is"),
        ("model.layers.7.self_attn.q_proj.weight", (64, 64), "no place"),
        ("model.vision.weight", (64, 64), "no place"),
    ],
)
def test_a_tensor_of_another_model_is_refused_and_nothing_is_left(
    folder: Path, tmp_path: Path, name: str, size: tuple[int, ...], told: str
) -> None:
    file, _, _ = tiny_base(folder)
    save_file({name: torch.zeros(size)}, str(tmp_path / "c.safetensors"))
    with pytest.raises(TrainingError, match=told):
        export_whole_gguf(tmp_path / "c.safetensors", file, tmp_path / "model.gguf")
    assert [path.name for path in tmp_path.iterdir()] == ["c.safetensors"]


def test_a_file_that_is_cut_short_is_not_read(folder: Path, tmp_path: Path) -> None:
    file, _, _ = tiny_base(folder)
    for length in (3, 24, 400):
        (tmp_path / "short.gguf").write_bytes(file.read_bytes()[:length])
        with pytest.raises(ValueError):
            GgufFile.of(tmp_path / "short.gguf")
