"""Trainings of a tiny model: what they learn, what they write down, and what they refuse."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from tiny_model import examples, make_tiny_model, metrics, train, write_spec
from transformers import TrainerControl, TrainerState, TrainingArguments

from allotment.errors import TrainingError
from allotment.project import TrainingConfig
from allotment.training._device import find_device
from allotment.training.worker._training import Training
from allotment.training.worker._watch import Finite, Meter, Watch

pytestmark = [
    pytest.mark.heavy,
    pytest.mark.filterwarnings("ignore::FutureWarning"),  # transformers renames arguments that TRL still sets
    pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*:UserWarning"),
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


def run(spec: Path) -> dict[str, Any]:
    """Train in this process."""
    said: list[dict[str, Any]] = []
    document = json.loads(spec.read_text(encoding="utf-8"))
    measured = Training(document, spec.parent, lambda kind, **values: said.append({"kind": kind, **values})).run()
    return {**measured, "said": said}


def learnt(folder: Path) -> dict[str, Any]:
    """The tensors a run gave."""
    from safetensors.torch import load_file

    file = next(iter([*folder.glob("peft/adapter_model.safetensors"), *folder.glob("changed/*.safetensors")]))
    return load_file(str(file))


def equal(one: Path, other: Path) -> bool:
    import torch

    first, second = learnt(one), learnt(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def close(one: Path, other: Path, tolerance: float = 2e-4) -> bool:
    import torch

    first, second = learnt(one), learnt(other)
    return all(torch.allclose(first[name], second[name], rtol=tolerance, atol=tolerance) for name in first)


def test_the_number_of_passes_changes_nothing_of_what_is_learnt(tiny: Path, tmp_path: Path) -> None:
    rows = examples(10, words=4)
    whole = run(write_spec(tmp_path / "whole", tiny, rows))
    run(write_spec(tmp_path / "small", tiny, rows, micro_batch_tokens=90))
    run(write_spec(tmp_path / "filled", tiny, rows, packing=False))
    assert [row["passes"] for row in metrics(tmp_path / "whole")] == [1] * whole["steps"]
    assert max(row["passes"] for row in metrics(tmp_path / "small")) > 2
    assert close(tmp_path / "whole", tmp_path / "small")
    assert close(tmp_path / "whole", tmp_path / "filled")


def test_every_step_is_on_record_with_all_its_figures(tiny: Path, tmp_path: Path) -> None:
    rows = examples(10)
    measured = run(write_spec(tmp_path / "run", tiny, rows, examples(3), price_usd_per_hour=3600.0))
    lines = metrics(tmp_path / "run")
    steps = [row for row in lines if "loss" in row]
    assert [row["step"] for row in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1]["loss"] < steps[0]["loss"]
    tokens = sum(len(row["prompt"].replace("<|im_start|>", "_").replace("<|im_end|>", "_")) for row in rows)
    answers = sum(len(row["answer"].replace("<|im_end|>", "_")) for row in rows)
    assert steps[-1]["tokens"] == measured["tokens"] == 2 * (tokens + answers)
    assert steps[-1]["answer_tokens"] == measured["answer_tokens"] == 2 * answers
    assert [row["step"] for row in lines if "held_out_loss" in row] == [3, 6]
    assert measured["usd"] == pytest.approx(measured["seconds"], abs=0.01)
    assert measured["mfu"] is None  # nobody knows this processor's peak
    assert measured["masked_example"].endswith("<|im_start|>assistant\n⟦Dock 0 has the code K0.<|im_end|>⟧")


def test_the_probe_measures_and_moves_no_weight(tiny: Path, tmp_path: Path) -> None:
    rows = examples(8)
    measured = run(write_spec(tmp_path / "probed", tiny, rows, examples(2), probe_steps=3, dropout=0.1))
    run(write_spec(tmp_path / "plain", tiny, rows, examples(2), dropout=0.1))
    assert equal(tmp_path / "probed", tmp_path / "plain")
    probed = measured["probe"]
    assert probed["steps"] == 3
    assert min(probed[key] for key in ("seconds_per_step", "tokens_per_second", "peak_gib", "save_s")) > 0
    assert [event["kind"] for event in measured["said"]][:2] == ["probe", "step"]
    assert measured["tokens"] == 2 * run(write_spec(tmp_path / "one", tiny, rows, dropout=0.1, epochs=1))["tokens"]


@pytest.mark.parametrize(
    ("limit", "settings", "told"),
    [
        (0.0001, {"probe_steps": 1, "price_usd_per_hour": 3600.0}, "it may cost"),
        (5.0, {"probe_steps": 1}, "what it may cost is not known"),
        (5.0, {"probe_steps": 0, "price_usd_per_hour": 1.0}, "what it may cost is not known"),
    ],
)
def test_a_training_that_may_cost_too_much_or_nobody_knows_what_is_not_begun(
    limit: float, settings: dict[str, Any], told: str, tiny: Path, tmp_path: Path
) -> None:
    spec = write_spec(tmp_path / "run", tiny, examples(4), **settings)
    spec.write_text(json.dumps({**json.loads(spec.read_text(encoding="utf-8")), "max_cost_usd": limit}), "utf-8")
    for _ in range(2):  # a probe that was kept is no way around it
        with pytest.raises(TrainingError, match=told) as caught:
            run(spec)
        assert caught.value.kind == "configuration"
    file = tmp_path / "run" / "metrics.jsonl"
    assert not file.exists() or not any("loss" in row for row in metrics(tmp_path / "run"))
    spec.write_text(json.dumps({**json.loads(spec.read_text(encoding="utf-8")), "max_cost_usd": None}), "utf-8")
    assert run(spec)["steps"] == 2


def test_a_loss_or_a_gradient_that_jumps_is_reported(tmp_path: Path) -> None:
    said: list[str] = []
    watch = Watch(
        {},
        Meter(tmp_path, began=0.0, writes=True),
        find_device(),
        lambda kind, **values: said.append(str(values.get("text", ""))),
        flops_per_token=None,
        peak_tflops=None,
        evaluate=None,
        keep_best=lambda loss, step: None,
        best=(0.0, 0),
    )
    state = TrainerState(max_steps=40)
    for step in range(1, 40):
        state.global_step, jump = step, 50.0 if step == 30 else 0.0
        watch.on_log(
            TrainingArguments(str(tmp_path)),
            state,
            TrainerControl(),
            {"loss": jump, "grad_norm": 1.0 + jump, "learning_rate": 1e-3},
        )
    events = [row for row in metrics(tmp_path) if "event" in row]
    assert [(row["step"], row["event"]) for row in events] == [(30, "spike"), (30, "spike")]
    assert "gradient norm 51, 51 times the median of 29 steps" in events[1]["detail"]
    assert [text for text in said if text] == [f"step 30: {row['detail']}" for row in events]


@pytest.mark.parametrize("method", ["lora", "qlora", "rslora", "dora"])
def test_an_adapter_is_learnt_and_the_model_stays_as_it_was(method: str, tiny: Path, tmp_path: Path) -> None:
    measured = run(write_spec(tmp_path / "run", tiny, examples(8), method=method, epochs=4))
    config = json.loads((tmp_path / "run" / "peft" / "adapter_config.json").read_text(encoding="utf-8"))
    assert (config["use_dora"], config["use_rslora"]) == (method == "dora", method == "rslora")
    assert all("lora" in name for name in learnt(tmp_path / "run"))
    assert measured["trainable_parameters"] < measured["parameters"] / 5
    rows = [row for row in metrics(tmp_path / "run") if "loss" in row]
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_partial_training_changes_the_named_layers_and_nothing_else(tiny: Path, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    run(write_spec(tmp_path / "run", tiny, examples(8), method="partial", unfrozen=["layers.1"]))
    before = load_file(str(tiny / "model.safetensors"))
    after = learnt(tmp_path / "run")
    assert after
    assert all(".layers.1." in name for name in after)
    assert any(not torch.equal(after[name], before[name]) for name in after)


def test_full_training_changes_every_layer(tiny: Path, tmp_path: Path) -> None:
    measured = run(write_spec(tmp_path / "run", tiny, examples(8), method="full", learning_rate=1e-3))
    assert measured["trainable_parameters"] == measured["parameters"]
    assert {"model.embed_tokens.weight", "model.norm.weight"} <= learnt(tmp_path / "run").keys()


def test_activations_computed_twice_change_nothing(tiny: Path, tmp_path: Path) -> None:
    for checkpointing in (True, False):
        folder = tmp_path / str(checkpointing)
        run(write_spec(folder, tiny, examples(8), gradient_checkpointing=checkpointing))
    assert close(tmp_path / "True", tmp_path / "False")


def test_training_stops_when_held_out_documents_get_no_better_and_the_best_weights_are_kept(
    tiny: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    others = [{**row, "answer": "zzz qqq xxx.<|im_end|>"} for row in examples(3)]
    spec = write_spec(tmp_path / "run", tiny, examples(8), others, epochs=40, patience=2, learning_rate=2e-2)
    measured = run(spec)
    lines = metrics(tmp_path / "run")
    losses = [row["held_out_loss"] for row in lines if "held_out_loss" in row]
    assert any(row.get("event") == "early-stop" for row in lines)
    assert measured["epochs"] < 40
    assert losses[-2:] > [min(losses)] * 2
    assert measured["held_out_loss"] == pytest.approx(min(losses), abs=1e-4)
    best = load_file(str(tmp_path / "run" / "best.safetensors"))
    kept = {name.replace(".default", ""): value for name, value in best.items()}
    assert all(kept[name].equal(value) for name, value in learnt(tmp_path / "run").items())


def test_an_epoch_below_the_target_loss_is_the_last(tiny: Path, tmp_path: Path) -> None:
    measured = run(write_spec(tmp_path / "run", tiny, examples(8), epochs=9, target_loss=50.0))
    assert measured["epochs"] == 1
    assert [row["event"] for row in metrics(tmp_path / "run") if "event" in row] == ["target-loss"]


def test_over_long_examples_are_reported_and_dropped_whole(tiny: Path, tmp_path: Path) -> None:
    rows = examples(6)
    rows[2]["answer"] = "long " * 60 + "<|im_end|>"
    measured = run(write_spec(tmp_path / "run", tiny, rows, max_length=120))
    assert (measured["examples"], measured["dropped"]) == (5, 1)
    assert {"kind": "warning", "text": "1 examples are longer than 120 tokens and were dropped"} in measured["said"]


@pytest.mark.parametrize(
    ("rows", "settings", "kind", "told"),
    [
        ([], {}, "bad-data", "there are no examples"),
        (examples(4), {"max_length": 32}, "bad-data", "no example fits into 32 tokens"),
        ([{"prompt": "ask", "answer": ""}], {}, "bad-data", "no label"),
        ([*examples(3), {"prompt": "ask", "answer": "say"}], {}, "configuration", "stop token"),
        (examples(4), {"method": "partial", "unfrozen": ["layers.77"]}, "configuration", "layers.77"),
        (examples(4), {"target_modules": ["no_proj"]}, "configuration", "no_proj"),
    ],
)
def test_what_cannot_be_learnt_is_refused_before_a_step(
    rows: list[dict[str, str]], settings: dict[str, Any], kind: str, told: str, tiny: Path, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=told) as caught:
        run(write_spec(tmp_path / "run", tiny, rows, **settings))
    assert caught.value.kind == kind
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_a_tokenizer_of_another_model_is_refused(tiny: Path, tmp_path: Path) -> None:
    import shutil

    from transformers import AutoTokenizer

    larger = shutil.copytree(tiny, tmp_path / "larger")
    tokenizer = AutoTokenizer.from_pretrained(str(larger))
    tokenizer.add_tokens([f"word{n}" for n in range(20)])
    tokenizer.save_pretrained(str(larger))
    with pytest.raises(TrainingError, match="279 tokens, the model 259 rows"):
        run(write_spec(tmp_path / "run", larger, examples(4)))
    document = json.loads(write_spec(tmp_path / "other", tiny, examples(4)).read_text(encoding="utf-8"))
    (tmp_path / "other" / "spec.json").write_text(json.dumps({**document, "template": "turns"}), encoding="utf-8")
    with pytest.raises(TrainingError, match=r"writes the chat template's '<end_of_turn>' as 13 tokens"):
        run(tmp_path / "other" / "spec.json")


@pytest.mark.parametrize("own", [None, "{{ messages }}", {"default": "{{ messages }}", "tool_use": "{{ tools }}"}])
def test_the_base_models_own_templates_one_two_or_none_are_not_what_is_trained(
    own: Any, tiny: Path, tmp_path: Path
) -> None:
    import shutil

    from transformers import AutoTokenizer

    base = shutil.copytree(tiny, tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(str(base))
    tokenizer.chat_template = own
    tokenizer.save_pretrained(str(base))
    run(write_spec(tmp_path / "own", base, examples(4), epochs=1))
    run(write_spec(tmp_path / "none", tiny, examples(4), epochs=1))
    assert equal(tmp_path / "own", tmp_path / "none")


def test_a_model_that_overflows_in_fp16_ends_as_non_finite_and_keeps_no_broken_weight(tmp_path: Path) -> None:
    base = make_tiny_model(tmp_path / "loud", scale=400.0)
    code, result, _ = train(write_spec(tmp_path / "run", base, examples(8), precision="fp16", epochs=20))
    assert (code, result["state"]) == (21, "non-finite")
    assert "the loss became nan at step 1" in result["error"]
    assert "learning_rate" in result["remedy"]
    assert not (tmp_path / "run" / "peft").exists()


@pytest.mark.parametrize(
    ("precision", "norm", "loss", "steps", "told"),
    [
        ("fp16", math.inf, 2.0, 13, "grad_norm became inf"),  # its scale had twelve steps to be found
        ("fp16", math.nan, math.nan, 1, "the loss became nan"),  # it has none to find
        ("bf16", math.inf, 2.0, 1, "grad_norm became inf"),
        ("fp32", math.nan, 2.0, 1, "grad_norm became nan"),
    ],
)
def test_a_run_ends_at_the_step_from_which_it_can_only_get_worse(
    precision: str, norm: float, loss: float, steps: int, told: str
) -> None:
    finite = Finite(precision)
    for _ in range(2):  # a step that is fine begins the count anew
        for step in range(1, steps):
            finite.see(norm, loss, step)
        finite.see(1.0, 2.0, steps)
    for step in range(1, steps):
        finite.see(norm, loss, step)
    with pytest.raises(TrainingError, match=told) as caught:
        finite.see(norm, loss, steps)
    assert caught.value.kind == "non-finite"


def test_settings_that_do_not_go_together_are_refused() -> None:
    for wrong in ({"method": "partial"}, {"unfrozen": ["norm"]}, {"sharding": "fsdp"}):
        with pytest.raises(ValueError, match="needs"):
            TrainingConfig.model_validate(wrong)
