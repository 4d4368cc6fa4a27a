"""Work and rate of a training, beside what others have published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_memory import METHODS, SHAPES

from allotment.project import TrainingConfig
from allotment.training.estimation._cards import peak_tflops
from allotment.training.estimation._flops import EFFICIENCY, SLOW_EFFICIENCY, tokens_per_second, train_flops_per_token
from allotment.training.estimation._shapes import ModelShape, shape_of


@pytest.mark.parametrize(("model", "rate", "tflops"), [("llama-3-8b", 12_473, 402), ("qwen2.5-7b", 14_110, 423)])
def test_work_of_a_token_is_what_nvidia_counts_within_5_percent(model: str, rate: float, tflops: float) -> None:
    """NeMo AutoModel on an H100: LoRA, 4,096 tokens, nothing computed twice."""
    work = train_flops_per_token(shape_of(model), "lora", False, 4096)
    assert work * rate / 1e12 == pytest.approx(tflops, rel=0.05)


PUBLISHED = [
    ("torchtune", "llama-3.1-8b", "lora", "NVIDIA GeForce RTX 4090", 2048, True, 3083),
    ("torchtune", "llama-3.1-8b", "qlora", "NVIDIA GeForce RTX 4090", 2048, True, 2413),
    ("torchtune", "llama-3.2-3b", "lora", "NVIDIA A100-SXM4-80GB", 4096, False, 9174),
    ("torchtune", "llama-3.2-3b", "lora", "NVIDIA A100-SXM4-80GB", 4096, True, 7210),
    ("Unsloth", "llama-2-7b", "lora", "NVIDIA A100-SXM4-80GB", 1024, True, 4007),
    ("FlashAttention", "llama-2-7b", "lora", "NVIDIA A100-SXM4-80GB", 1024, True, 2954),
    ("Hugging Face", "llama-2-7b", "lora", "NVIDIA A100-SXM4-80GB", 1024, True, 2392),
    ("NeMo", "llama-3-8b", "lora", "NVIDIA H100 80GB HBM3", 4096, False, 12_473),
    ("NeMo", "qwen2.5-7b", "lora", "NVIDIA H100 80GB HBM3", 4096, False, 14_110),
]


def share_of_peak(row: tuple[str, str, str, str, int, bool, float]) -> float:
    """Of all work done, that done twice included."""
    _, model, method, card, sequence, twice, rate = row
    peak = peak_tflops(card)
    assert peak is not None
    return train_flops_per_token(shape_of(model), method, twice, sequence) * rate / (peak * 1e12)  # type: ignore[arg-type]


def test_the_rate_reckoned_with_is_between_the_middle_and_the_best_of_what_is_published() -> None:
    shares = sorted(share_of_peak(row) for row in PUBLISHED if row[2] == "lora")
    assert shares[len(shares) // 2] <= EFFICIENCY <= shares[-2]
    assert shares[0] >= SLOW_EFFICIENCY


CARD = json.loads((Path(__file__).parents[2] / "benchmarks/results/training_card.json").read_text(encoding="utf-8"))
MEASURED = [row for row in CARD["points"] if row["stack"] == "allotment"]


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: f"{row['model']} {row['method']} {row['lengths']}")
def test_what_was_measured_on_a_card_is_met_within_15_percent(row: dict[str, Any]) -> None:
    """A check of consistency: the times corrected the formula. Memory was predicted before and is compared there."""
    found = tokens_per_second(
        shape_of(row["model"]),
        TrainingConfig(method=row["method"]),
        peak_tflops=peak_tflops(CARD["card"]) or 0.0,
        checkpointing=row["checkpointing"],
        sequence=sum(row["lengths"]) / len(row["lengths"]),
        tokens_in_pass=sum(row["lengths"]),
    )
    assert row["tokens_per_second"] == pytest.approx(found, rel=0.15)
    assert row["predicted_gib"] == pytest.approx(row["measured_gib"], rel=0.05)


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row[0]} {row[1]} {row[2]}")
def test_a_published_rate_is_met_within_a_factor_of_two(row: tuple[str, str, str, str, int, bool, float]) -> None:
    _, model, method, card, sequence, twice, rate = row
    peak = peak_tflops(card)
    assert peak is not None
    found = tokens_per_second(
        shape_of(model),
        TrainingConfig(method=method),  # type: ignore[arg-type]
        peak_tflops=peak,
        checkpointing=twice,
        sequence=sequence,
        tokens_in_pass=4096,
    )
    assert rate / 2 < found < rate * 2


@given(SHAPES, st.sampled_from(METHODS), st.integers(1, 8192))
def test_work_is_ordered_as_it_must_be(shape: ModelShape, method: str, sequence: int) -> None:
    def work(name: str, *, twice: bool = False) -> float:
        return train_flops_per_token(shape, name, twice, sequence)  # type: ignore[arg-type]

    assert 0 < work("partial") <= work("full")
    assert work("lora") == work("qlora") == work("dora") == work("rslora") < work("full")
    assert work(method) < work(method, twice=True) < 2 * work(method)
    assert train_flops_per_token(shape, "lora", False, sequence, answer_share=0.1) < work("lora")


def test_a_small_model_is_held_up_by_the_start_of_its_kernels_and_not_by_its_work() -> None:
    shape, training = shape_of("gemma-3-270m"), TrainingConfig()

    def rate(tflops: float, tokens: int) -> float:
        return tokens_per_second(
            shape, training, peak_tflops=tflops, checkpointing=False, sequence=64, tokens_in_pass=tokens
        )

    assert rate(2000, 512) == rate(4000, 512)
    assert rate(2000, 1024) == pytest.approx(2 * rate(2000, 512))
    assert rate(20, 65_536) < rate(40, 65_536)
