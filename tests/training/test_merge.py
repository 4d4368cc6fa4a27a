"""A version merged into the base model it was trained on: the same model without an adapter, sealed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_trained import EXAMPLES, random_adapter, random_change, tiny_base
from transformers import AutoModelForCausalLM, AutoTokenizer

from allotment.errors import ManifestError
from allotment.models import load_template
from allotment.training._base import load_base
from allotment.training.serving._folders import check_folder, new_folder, seal_folder
from allotment.training.serving._merge import write_merged
from allotment.training.serving._parity import log_probabilities, parity_rows
from allotment.training.serving._trained import with_trained
from allotment.workspace import Workspace, hash_file

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT asks transformers by a name that is to go


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


def write(file: Path, trained: Path, out: Path, **options: Any) -> Any:
    """The merged model, read back by transformers."""
    chosen = {"method": "lora", "precision": "fp32", "template": load_template("chatml"), **options}
    out.mkdir()
    write_merged(file, hash_file(file), trained, out, **chosen)
    return AutoModelForCausalLM.from_pretrained(str(out), dtype=torch.float32).eval()


def difference(one: Any, other: Any, tokenizer: Any) -> float:
    """Mean difference of all log-probabilities at the answers' first tokens."""
    rows = parity_rows(EXAMPLES, tokenizer)
    pairs = zip(log_probabilities(one, rows), log_probabilities(other, rows), strict=True)
    return float(torch.stack([(a - b).abs().mean() for a, b in pairs]).mean())


@pytest.mark.parametrize("variant", [{}, {"use_rslora": True}, {"use_dora": True}])
def test_a_merged_adapter_computes_what_the_adapter_did(folder: Path, tmp_path: Path, variant: dict[str, Any]) -> None:
    file, base, tokenizer = tiny_base(folder)
    adapted = random_adapter(tiny_base(folder)[1], tmp_path / "version" / "peft", **variant)
    model = write(file, tmp_path / "version", tmp_path / "merged")
    assert difference(model, adapted, tokenizer) < 1e-4
    assert difference(model, base, tokenizer) > 0.1


def test_changed_tensors_are_put_into_their_places(folder: Path, tmp_path: Path) -> None:
    file, _, tokenizer = tiny_base(folder)
    tensors = tmp_path / "version" / "changed" / "changed.safetensors"
    changed = random_change(tiny_base(folder)[1], ("layers.1", "norm"), tensors)
    assert (
        difference(write(file, tmp_path / "version", tmp_path / "merged", method="partial"), changed, tokenizer) < 1e-5
    )


def test_an_adapter_of_16_bit_weights_is_merged_into_those(folder: Path, tmp_path: Path) -> None:
    """In a training in bf16 the base model's weights were rounded before the adapter learnt beside them."""
    file, model, _ = tiny_base(folder)
    random_adapter(model, tmp_path / "version" / "peft")
    rounded = load_base(file, hash_file(file), dtype=torch.bfloat16)[0].float()
    exact = with_trained(rounded, tmp_path / "version").merge_and_unload()
    model = write(file, tmp_path / "version", tmp_path / "merged", precision="bf16")
    for name, value in exact.state_dict().items():
        assert torch.equal(model.state_dict()[name], value.to(torch.bfloat16).float()), name


def test_the_folder_has_the_tokenizer_and_the_template_it_was_trained_with(folder: Path, tmp_path: Path) -> None:
    file, _, tokenizer = tiny_base(folder)
    random_adapter(tiny_base(folder)[1], tmp_path / "version" / "peft")
    write(file, tmp_path / "version", tmp_path / "merged")
    read = AutoTokenizer.from_pretrained(str(tmp_path / "merged"))
    prompt = read.apply_chat_template(
        [{"role": "user", "content": "Code of dock 0?"}], add_generation_prompt=True, tokenize=False
    )
    assert prompt == EXAMPLES[0][0]
    assert read(prompt)["input_ids"] == tokenizer(prompt)["input_ids"]


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_qlora_is_merged_into_the_dequantised_weights_it_was_trained_on(
    folder: Path, tmp_path: Path, architecture: str
) -> None:
    pytest.importorskip("bitsandbytes")
    file, model, tokenizer = tiny_base(folder, architecture)
    random_adapter(model, tmp_path / "version" / "peft")
    four_bit = load_base(file, hash_file(file), four_bit=True)[0]
    for layer in four_bit.modules():
        layer.support_avx512bf16_for_cpu = False  # else bitsandbytes rounds its scales to 16 bits when it evaluates
    as_trained = with_trained(four_bit, tmp_path / "version")
    right = write(file, tmp_path / "version", tmp_path / "right", method="qlora")
    wrong = write(file, tmp_path / "version", tmp_path / "wrong", method="lora")
    assert not hasattr(right.config, "quantization_config")
    assert difference(right, as_trained, tokenizer) < 1e-4
    assert difference(wrong, as_trained, tokenizer) > 0.05


def test_a_sealed_folder_shows_every_change(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "project")
    with new_folder(tmp_path / "out") as made:
        (made / "weights").write_bytes(b"weights")
        seal_folder(workspace, made, {"adapter": "board/v1"})
    assert check_folder(workspace, tmp_path / "out")["adapter"] == "board/v1"
    with pytest.raises(ManifestError, match="not one of this project"):
        check_folder(Workspace(tmp_path / "another"), tmp_path / "out")
    for file, content in (("weights", "other"), ("added", "more")):
        (tmp_path / "out" / file).write_text(content, encoding="utf-8")
        with pytest.raises(ManifestError, match="not those that were sealed"):
            check_folder(workspace, tmp_path / "out")
    seal = tmp_path / "out" / "provenance.json"
    seal.write_text(seal.read_text(encoding="utf-8").replace("board/v1", "board/v2"), encoding="utf-8")
    with pytest.raises(ManifestError, match="edited"):
        check_folder(workspace, tmp_path / "out")
    seal.write_text("{", encoding="utf-8")
    with pytest.raises(ManifestError, match="no seal"):
        check_folder(workspace, tmp_path / "out")
