"""A PEFT adapter as a GGUF adapter: llama.cpp computes with it what PyTorch computes, for each architecture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gguf
import pytest
from tiny_trained import parity, random_adapter, tiny_base

from allotment.errors import TrainingError
from allotment.training.serving._gguf import export_gguf
from allotment.training.serving._gguf_layout import GgufLayout
from tiny_gguf import ARCHITECTURES

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT asks transformers by a name that is to go


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("method", ["lora", "rslora"])
def test_the_engine_computes_with_the_adapter_what_was_trained(
    folder: Path, tmp_path: Path, architecture: str, method: str
) -> None:
    file, base, tokenizer = tiny_base(folder, architecture)
    adapted = random_adapter(tiny_base(folder, architecture)[1], tmp_path / "peft", use_rslora=method == "rslora")
    assert export_gguf(tmp_path / "peft", file, tmp_path / "adapter.gguf") == 2 * 2 * 7
    record = parity(base, adapted, tokenizer, file, tmp_path / "adapter.gguf")
    assert record.effect > 0.3
    assert record.mean_delta < 0.005
    assert record.same_top > 0.9  # random weights hold some tokens for equally likely


@pytest.mark.parametrize(
    ("method", "wrong"),
    [("rslora", "the plain alpha"), ("lora", "query and key rows as they are"), ("lora", "no adapter")],
)
def test_a_wrong_export_shows_in_the_comparison(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, wrong: str
) -> None:
    """What the test above holds against: each fault alone is far outside of what it lets pass."""
    file, base, tokenizer = tiny_base(folder)
    adapted = random_adapter(tiny_base(folder)[1], tmp_path / "peft", use_rslora=method == "rslora")
    if wrong == "the plain alpha":
        monkeypatch.setattr("allotment.training.serving._gguf._alpha", lambda config: float(config["lora_alpha"]))
    elif wrong != "no adapter":
        monkeypatch.setattr(GgufLayout, "ordered", lambda self, name, rows: rows)
    export_gguf(tmp_path / "peft", file, tmp_path / "adapter.gguf")
    record = parity(base, adapted, tokenizer, file, None if wrong == "no adapter" else tmp_path / "adapter.gguf")
    assert record.mean_delta > 0.05


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"use_dora": True}, "DoRA"),
        ({"modules_to_save": ["norm"]}, "modules_to_save"),
        ({"bias": "lora_only"}, "biases"),
        ({"rank_pattern": {"q_proj": 8}}, "ranks"),
        ({"init_lora_weights": "pissa"}, "a base it changed"),
    ],
)
def test_an_adapter_that_is_more_than_two_matrices_is_refused(
    folder: Path, tmp_path: Path, settings: dict[str, Any], named: str
) -> None:
    file, model, _ = tiny_base(folder)
    random_adapter(model, tmp_path / "peft", **settings)
    with pytest.raises(TrainingError, match=named) as refused:
        export_gguf(tmp_path / "peft", file, tmp_path / "adapter.gguf")
    assert refused.value.kind == "configuration"
    assert not (tmp_path / "adapter.gguf").exists()


@pytest.mark.filterwarnings("ignore::UserWarning")  # PEFT advises against it too
def test_an_adapter_of_the_embedding_is_refused(folder: Path, tmp_path: Path) -> None:
    file, model, _ = tiny_base(folder)
    random_adapter(model, tmp_path / "peft", target_modules=["embed_tokens", "q_proj"])
    with pytest.raises(TrainingError, match="no place"):
        export_gguf(tmp_path / "peft", file, tmp_path / "adapter.gguf")


def test_an_architecture_nobody_compared_is_refused(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "other.gguf", "bloom")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 4, "lora_alpha": 8}), encoding="utf-8")
    with pytest.raises(TrainingError, match="'bloom' cannot be exported") as refused:
        export_gguf(tmp_path, tmp_path / "other.gguf", tmp_path / "adapter.gguf")
    assert "llama" in refused.value.remedy
