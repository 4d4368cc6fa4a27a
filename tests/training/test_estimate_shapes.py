"""Shapes of models: by name, from a configuration, from the header of a GGUF file; unknown ones are refused."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoConfig, AutoModelForCausalLM

from allotment.errors import ProjectError
from allotment.models import catalogue
from allotment.training.estimation._gguf_header import read_header
from allotment.training.estimation._shapes import ModelShape, named_shapes, shape_of
from tiny_gguf import write_tiny_gguf

PUBLISHED = {
    "gemma-3-270m": 268_098_176,
    "gemma-3-1b": 999_885_952,
    "llama-2-7b": 6_738_415_616,
    "llama-3.1-8b": 8_030_261_248,
    "llama-3.2-1b": 1_235_814_400,
    "llama-3.2-3b": 3_212_749_824,
    "mistral-7b": 7_248_023_552,
    "qwen2.5-0.5b": 494_032_768,
    "qwen2.5-1.5b": 1_543_714_304,
    "qwen2.5-3b": 3_085_938_688,
    "qwen2.5-7b": 7_615_616_512,
    "qwen3-0.6b": 596_049_920,
    "qwen3-8b": 8_190_735_360,
}
"""Numbers of weights as counted from the published files."""


def config_of(shape: ModelShape) -> dict[str, Any]:
    return {
        "model_type": {"gemma3": "gemma3_text"}.get(shape.architecture, shape.architecture),
        "num_hidden_layers": shape.layers,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "vocab_size": shape.vocabulary,
        "tie_word_embeddings": shape.tied,
    }


@pytest.mark.parametrize("name", sorted(named_shapes()))
def test_a_named_shape_has_the_very_tensors_that_transformers_makes(name: str) -> None:
    shape = named_shapes()[name]
    values = config_of(shape)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(values.pop("model_type"), **values))
    assert {key: value.numel() for key, value in model.named_parameters()} == shape.tensors


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_a_named_shape_has_as_many_weights_as_the_published_model(name: str) -> None:
    assert shape_of(name).parameters == PUBLISHED[name]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b"),
        ("meta-llama/Meta-Llama-3.1-8B-Instruct", "llama-3.1-8b"),
        ("meta-llama/Llama-2-7b-chat-hf", "llama-2-7b"),
        ("google/gemma-3-270m-it", "gemma-3-270m"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral-7b"),
    ],
)
def test_a_model_is_found_by_its_name_on_a_hub(written: str, name: str) -> None:
    assert shape_of(written).name == name


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_model_of_the_catalogue_is_known_without_its_file(name: str) -> None:
    assert shape_of(name).name == name


@pytest.mark.parametrize("name", sorted(named_shapes()))
def test_a_configuration_alone_gives_the_same_shape(name: str, tmp_path: Path) -> None:
    shape = named_shapes()[name]
    (tmp_path / "config.json").write_text(json.dumps(config_of(shape)), encoding="utf-8")
    assert shape_of(str(tmp_path)).tensors == shape.tensors
    assert shape_of(str(tmp_path / "config.json")).tensors == shape.tensors


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "gemma3"])
def test_the_header_of_a_gguf_file_gives_the_shape_that_transformers_reads_from_it(
    architecture: str, tmp_path: Path
) -> None:
    file = write_tiny_gguf(tmp_path / "tiny.gguf", architecture)
    model = AutoModelForCausalLM.from_pretrained(str(tmp_path), gguf_file=file.name)
    assert shape_of(str(file)).parameters == sum(one.numel() for one in model.parameters())


def test_the_weights_of_a_gguf_file_need_not_be_there(tmp_path: Path) -> None:
    file = write_tiny_gguf(tmp_path / "tiny.gguf")
    whole = shape_of(str(file))
    tensors = sum(4 * size for size in whole.tensors.values())
    file.write_bytes(file.read_bytes()[:-tensors])
    assert shape_of(str(file)) == whole


def test_values_of_a_header_are_those_the_gguf_package_reads(tmp_path: Path) -> None:
    import gguf

    file = write_tiny_gguf(tmp_path / "tiny.gguf", "gemma3")
    values, tensors = read_header(file)
    reader = gguf.GGUFReader(file)
    for key, value in values.items():
        wanted = reader.fields[key].contents()
        assert value == (pytest.approx(wanted, rel=1e-6) if isinstance(wanted, float) else wanted), key
    assert tensors == {one.name: tuple(int(size) for size in one.shape) for one in reader.tensors}


@given(st.integers(0, 5_000))
def test_a_header_cut_short_anywhere_is_refused_and_never_read_past_its_end(cut: int) -> None:
    header = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 1) + b"k" + struct.pack("<IIQ", 9, 4, 1_000)
    whole = header + b"\0" * 4_000 + struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 8, 0, 0)
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        file = Path(folder) / "cut.gguf"
        file.write_bytes(whole[:cut])
        if cut >= len(whole):
            assert read_header(file) == ({}, {"t": (8,)})
        else:
            with pytest.raises(ValueError, match=r"cut short|does not begin"):
                read_header(file)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "not a configuration in JSON"),
        ("[]", "not a configuration in JSON"),
        ('{"model_type": "mixtral"}', "'mixtral' are not known"),
        ('{"model_type": "gemma3", "text_config": {}, "vision_config": {}}', "'gemma3' are not known"),
        ('{"model_type": "llama", "hidden_size": 64}', "num_attention_heads is None"),
        ('{"model_type": "llama", "hidden_size": true, "num_attention_heads": 4}', "hidden_size is True"),
        ('{"model_type": "llama", "hidden_size": 64, "num_attention_heads": -4}', "num_attention_heads is -4"),
    ],
)
def test_a_configuration_that_says_too_little_is_refused(content: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ProjectError, match=told):
        shape_of(str(tmp_path))


def test_a_folder_without_a_configuration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"no config\.json"):
        shape_of(str(tmp_path))


def test_a_name_nobody_knows_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ProjectError, match="not known") as caught:
        shape_of("gpt-5")
    assert "llama-3.1-8b" in caught.value.remedy


def test_a_gguf_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 9, 0, 0))
    with pytest.raises(ProjectError, match="version 9"):
        shape_of(str(tmp_path / "no.gguf"))
    (tmp_path / "empty.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
    with pytest.raises(ProjectError, match="'unnamed' are not known"):
        shape_of(str(tmp_path / "empty.gguf"))
