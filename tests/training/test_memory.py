"""Peak memory reckoned from a shape: bounds, what more tokens cost, and the peaks others have published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allotment.errors import ProjectError
from allotment.project import TrainingConfig
from allotment.training.estimation import _memory
from allotment.training.estimation._activations import Arithmetic
from allotment.training.estimation._learning import learning_of
from allotment.training.estimation._memory import predict_peak_gib
from allotment.training.estimation._shapes import ModelShape, named_shapes, shape_of
from allotment.training.worker import _loss

METHODS = ("lora", "qlora", "dora", "rslora", "partial", "full")

SHAPES = st.builds(
    ModelShape,
    name=st.just("any"),
    architecture=st.sampled_from(["llama", "qwen2", "gemma3"]),
    layers=st.integers(1, 80),
    hidden=st.integers(8, 8192),
    intermediate=st.integers(8, 30_000),
    heads=st.integers(1, 64),
    kv_heads=st.integers(1, 64),
    head_dim=st.sampled_from([16, 64, 128, 256]),
    vocabulary=st.integers(100, 300_000),
    tied=st.booleans(),
    qk_norm=st.booleans(),
    norms=st.sampled_from([2, 4]),
)


@st.composite
def trainings(draw: st.DrawFn) -> TrainingConfig:
    method = draw(st.sampled_from(METHODS))
    return TrainingConfig(
        method=method,
        unfrozen=("layers.0",) if method == "partial" else (),
        rank=draw(st.integers(1, 256)),
        dropout=draw(st.sampled_from([0.0, 0.1])),
        precision=draw(st.sampled_from(["auto", "bf16", "fp32"])),
    )


@given(SHAPES, trainings(), st.integers(1, 100_000), st.integers(0, 100_000), st.booleans(), st.data())
def test_bounds_hold_terms_add_up_and_more_tokens_never_need_less(
    shape: ModelShape, training: TrainingConfig, tokens: int, more: int, checkpointing: bool, data: st.DataObject
) -> None:
    device = data.draw(st.sampled_from(["cpu", "cuda"]))
    answers = data.draw(st.none() | st.integers(1, tokens))
    few = predict_peak_gib(
        shape, training, tokens_in_pass=tokens, device=device, checkpointing=checkpointing, answer_tokens=answers
    )
    many = predict_peak_gib(
        shape, training, tokens_in_pass=tokens + more, device=device, checkpointing=checkpointing, answer_tokens=answers
    )
    assert few.safe_gib >= few.expected_gib > 0
    assert few.expected_gib == pytest.approx(sum(few.terms.values()))
    assert all(size >= 0 for size in few.terms.values())
    assert many.expected_gib >= few.expected_gib
    assert many.safe_gib >= few.safe_gib


@pytest.mark.parametrize("name", sorted(named_shapes()))
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_checkpointing_saves_memory_and_a_higher_rank_costs_some(name: str, device: Any) -> None:
    shape, training = shape_of(name), TrainingConfig()
    plain, twice = (
        predict_peak_gib(shape, training, tokens_in_pass=2048, device=device, checkpointing=again).expected_gib
        for again in (False, True)
    )
    high = predict_peak_gib(shape, TrainingConfig(rank=64), tokens_in_pass=2048, device=device).expected_gib
    assert twice < plain < high


def test_the_chunk_of_logits_is_the_one_the_loss_takes() -> None:
    assert _memory._LOGITS_BYTES == _loss.LOGITS_BYTES
    shape = shape_of("gemma-3-270m")
    terms = predict_peak_gib(shape, TrainingConfig(), tokens_in_pass=100_000, device="cpu", checkpointing=True).terms
    assert terms.get("logits", 0.0) <= 3 * _loss.chunk_positions(shape.vocabulary) * shape.vocabulary * 4 / 2**30


def test_what_learns_is_counted_as_peft_counts_it() -> None:
    """Published: rank 16 on all linear layers of Llama 3.1 8B is 41,943,040 weights."""
    shape = shape_of("llama-3.1-8b")
    assert learning_of(shape, TrainingConfig(rank=16)).parameters == 41_943_040
    assert learning_of(shape, TrainingConfig(method="full")).parameters == shape.parameters
    above = learning_of(shape, TrainingConfig(method="partial", unfrozen=("layers.30", "layers.31", "norm")))
    assert (above.lowest, above.layers, above.head) == (30, 2, False)
    assert learning_of(shape, TrainingConfig(method="partial", unfrozen=("norm",))).lowest == shape.layers
    tied = learning_of(shape_of("llama-3.2-1b"), TrainingConfig(method="partial", unfrozen=("embed_tokens",)))
    assert (tied.lowest, tied.head) == (0, True)


def test_names_that_are_none_of_the_model_are_refused() -> None:
    shape = shape_of("llama-3.2-1b")
    with pytest.raises(ProjectError, match="no weights of llama") as caught:
        learning_of(shape, TrainingConfig(method="partial", unfrozen=("layers.16",)))
    assert "layers.0 to layers.15" in caught.value.remedy
    with pytest.raises(ProjectError, match="no linear layer"):
        learning_of(shape, TrainingConfig(target_modules=("query",)))


@dataclass(frozen=True)
class Published:
    """A peak somebody measured on a card."""

    source: str
    model: str
    tokens: int
    gib: float
    training: dict[str, Any]
    checkpointing: bool = True
    adapter_bytes: int = 16
    """Of a weight of the adapter in all: 8 where adapter and optimizer are kept in bf16, as in torchtune."""
    logits: int = 0
    """Copies of the logits of all tokens, in fp32, where that stack makes them."""


TORCHTUNE = ("q_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PEAKS = [
    Published("torchtune, RTX 4090", "llama-3.1-8b", 4096, 16.2, {"target_modules": TORCHTUNE}, adapter_bytes=8),
    Published(
        "torchtune, RTX 4090", "llama-3.1-8b", 4096, 7.4, {"method": "qlora", "target_modules": TORCHTUNE}, True, 8
    ),
    Published("torchtune, A100", "llama-3.2-3b", 8192, 8.5, {"target_modules": TORCHTUNE}, adapter_bytes=8),
    Published("torchtune, A100", "llama-3.2-3b", 8192, 4.6, {"method": "qlora", "target_modules": TORCHTUNE}, True, 8),
    Published("LLaMA-Factory, Unsloth", "llama-2-7b", 4096, 16e9 / 2**30, {}),
    Published("LLaMA-Factory, FlashAttention", "llama-2-7b", 4096, 17e9 / 2**30, {}, logits=2),
    Published("LLaMA-Factory, Unsloth", "llama-2-7b", 4096, 7e9 / 2**30, {"method": "qlora"}),
    Published(
        "PEFT, L40S",
        "llama-3.2-3b",
        3072,
        20.8,
        {"target_modules": ("q_proj", "v_proj"), "rank": 32},
        False,
        logits=3,
    ),
]


def reckoned_gib(row: Published) -> float:
    """By this package's formula with that stack's number formats and without this package's kernels. Without CUDA's
    context, which ``torch.cuda.max_memory_allocated`` leaves out."""
    shape, training = shape_of(row.model), TrainingConfig(**{"rank": 8, **row.training})
    how = Arithmetic.of(training, "cuda", mask=False, fused=False, liger=False)
    memory = predict_peak_gib(
        shape, training, tokens_in_pass=row.tokens, device="cuda", checkpointing=row.checkpointing, how=how
    )
    adapter = learning_of(shape, training).parameters * (16 - row.adapter_bytes)
    in_flight = memory.terms.get("layer", 0.0) + memory.terms.get("logits", 0.0)
    logits = row.logits * row.tokens * shape.vocabulary * 4 / 2**30
    other = memory.expected_gib - memory.terms["cuda"] - in_flight - adapter / 2**30
    return other + max(in_flight, logits)


@pytest.mark.parametrize(
    "row", PEAKS, ids=lambda row: f"{row.source}: {row.model} {row.training.get('method', 'lora')}"
)
def test_published_peaks_are_met_within_16_percent(row: Published) -> None:
    """A check of consistency and not a blind one: which number formats each stack uses was looked up, and the figures
    were known when the formula was written."""
    assert reckoned_gib(row) == pytest.approx(row.gib, rel=0.16)
