"""The comparison before a version is published: a sound export passes, each way to be wrong does not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import save_file
from tiny_trained import EXAMPLES, parity, random_adapter, tiny_base

from allotment.errors import TrainingError
from allotment.training.serving._gguf import export_gguf
from allotment.training.serving._parity import (
    FLOOR,
    PROMPTS,
    SHARE,
    compare,
    log_probabilities,
    parity_rows,
    require_parity,
)
from allotment.training.serving._trained import base_as_trained, merged, with_trained
from allotment.training.serving._whole_gguf import export_whole_gguf
from allotment.workspace import hash_file
from tiny_gguf import write_tiny_gguf

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # PEFT asks transformers by a name that is to go


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


def test_a_sound_export_of_a_quantised_model_passes(folder: Path, tmp_path: Path) -> None:
    file, base, tokenizer = tiny_base(folder, quantised=True)
    adapted = random_adapter(tiny_base(folder, quantised=True)[1], tmp_path, size=1.0)
    export_gguf(tmp_path, file, tmp_path / "adapter.gguf")
    record = parity(base, adapted, tokenizer, file, tmp_path / "adapter.gguf")
    assert require_parity(record, "adapter.gguf") is record
    assert (record.prompts, record.tokens) == (PROMPTS, 4 * PROMPTS)
    assert record.tolerance == pytest.approx(FLOOR + SHARE * record.effect, abs=1e-3)
    assert 0 < record.mean_delta < record.max_delta < record.tolerance


@pytest.mark.parametrize("fault", ["half", "double", "missing", "another", "other base"])
def test_a_wrong_export_does_not(folder: Path, tmp_path: Path, fault: str) -> None:
    file, base, tokenizer = tiny_base(folder, quantised=True)
    adapted = random_adapter(tiny_base(folder, quantised=True)[1], tmp_path, size=1.0)
    served: Path | None = tmp_path / "adapter.gguf"
    if fault == "another":
        random_adapter(tiny_base(folder, quantised=True)[1], tmp_path, size=-1.0)
    if fault in ("half", "double"):
        settings = tmp_path / "adapter_config.json"
        config = json.loads(settings.read_text(encoding="utf-8"))
        config["lora_alpha"] *= 2 if fault == "double" else 0.5
        settings.write_text(json.dumps(config), encoding="utf-8")
    export_gguf(tmp_path, file, tmp_path / "adapter.gguf")
    if fault == "missing":
        served = None
    model = write_tiny_gguf(tmp_path / "other.gguf", seed=9) if fault == "other base" else file
    record = parity(base, adapted, tokenizer, model, served)
    with pytest.raises(TrainingError, match="does not compute what was trained") as refused:
        require_parity(record, "adapter.gguf")
    assert refused.value.kind == "configuration"  # which is not tried again: it would only give the same


def test_qlora_is_served_on_the_weights_it_was_trained_on(folder: Path, tmp_path: Path) -> None:
    """On those of the base model's file, which it never saw, it is further off by far."""
    pytest.importorskip("bitsandbytes")
    file, model, _ = tiny_base(folder, quantised=True)
    random_adapter(model, tmp_path / "peft", size=1.0)
    base = base_as_trained(file, hash_file(file), method="qlora", precision="fp32")
    rows = parity_rows(EXAMPLES, base.tokenizer)
    before = log_probabilities(base.model, rows)
    after = log_probabilities(adapted := with_trained(base.model, tmp_path), rows)
    export_gguf(tmp_path / "peft", file, tmp_path / "adapter.gguf")
    weights = merged(adapted).state_dict()
    save_file({name: weights[name].contiguous() for name in base.rounded}, str(tmp_path / "changed.safetensors"))
    export_whole_gguf(tmp_path / "changed.safetensors", file, tmp_path / "model.gguf", eight_bits=True)
    right = compare(rows, before, after, tmp_path / "model.gguf", None)
    wrong = compare(rows, before, after, file, tmp_path / "adapter.gguf")
    assert right.holds
    assert wrong.mean_delta > 3 * right.mean_delta


def test_an_engine_that_cuts_a_prompt_into_other_tokens_is_refused(folder: Path) -> None:
    file, base, tokenizer = tiny_base(folder)
    rows = parity_rows(EXAMPLES, tokenizer)
    known = log_probabilities(base, rows)
    rows[5] = replace(rows[5], prompt=rows[5].prompt + "x")
    with pytest.raises(TrainingError, match="another number of tokens"):
        compare(rows, known, known, file, None)


def test_answers_of_which_nothing_can_be_compared_are_no_proof(folder: Path) -> None:
    """Every token of this answer is half a character, which the engine holds back."""
    file, base, tokenizer = tiny_base(folder)
    rows = parity_rows([(EXAMPLES[0][0], "ř")], tokenizer)
    rows = [replace(row, answer_ids=row.answer_ids[:1]) for row in rows]
    known = log_probabilities(base, rows)
    with pytest.raises(TrainingError, match="nothing could be compared"):
        compare(rows, known, known, file, None)


def test_the_examples_compared_are_spread_over_all(folder: Path) -> None:
    _, _, tokenizer = tiny_base(folder)
    many = [(f"question {n}", "yes") for n in range(95)]
    assert [row.prompt for row in parity_rows(many, tokenizer)] == [f"question {9 * n}" for n in range(10)]
    assert len(parity_rows(many[:3], tokenizer)) == 3
