"""What is reckoned to be kept for the backward pass is what autograd holds, tensor for tensor, in each family."""

from __future__ import annotations

import gc
import warnings
import weakref
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from allotment.project import TrainingConfig
from allotment.training.estimation._activations import Arithmetic, kept_bytes, layer_bytes
from allotment.training.estimation._learning import ADAPTERS, learning_of
from allotment.training.estimation._shapes import ModelShape
from allotment.training.worker._adapted import fuse_adapters

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

TOKENS, RANK = 64, 8
LLAMA = ModelShape("small", "llama", 2, 96, 256, 6, 2, 24, 97, tied=True)
SHAPES = {
    "llama": LLAMA,
    "qwen2": replace(LLAMA, architecture="qwen2", head_dim=16, biased=("q_proj", "k_proj", "v_proj")),
    "qwen3": replace(LLAMA, architecture="qwen3", qk_norm=True),
    "gemma3": replace(LLAMA, architecture="gemma3", qk_norm=True, norms=4),
}
SETTINGS: list[dict[str, Any]] = [
    {"method": "lora"},
    {"method": "lora", "target_modules": ("q_proj", "v_proj")},
    {"method": "lora", "target_modules": ("down_proj", "o_proj")},
    {"method": "lora", "dropout": 0.1},
    {"method": "dora"},
    {"method": "full"},
]


class Kept:
    """A saved tensor that is alive as long as autograd holds it."""

    def __init__(self, tensor: torch.Tensor) -> None:
        self.tensor = tensor


def model_of(shape: ModelShape, training: TrainingConfig, dtype: torch.dtype) -> Any:
    kind = {"gemma3": "gemma3_text"}.get(shape.architecture, shape.architecture)
    config = AutoConfig.for_model(
        kind,
        num_hidden_layers=shape.layers,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=True,
    )
    model = AutoModelForCausalLM.from_config(config).to(dtype)
    if training.method in ADAPTERS:
        chosen = list(training.target_modules)
        model = get_peft_model(
            model,
            LoraConfig(
                r=RANK,
                lora_dropout=training.dropout,
                target_modules=chosen[0] if chosen == ["all-linear"] else chosen,
                use_dora=training.method == "dora",
                task_type="CAUSAL_LM",
            ),
        ).get_base_model()
    return model.train()


def block_mask() -> torch.Tensor:
    segment, place = torch.arange(TOKENS) // 16, torch.arange(TOKENS)
    return ((segment[:, None] == segment) & (place[:, None] >= place))[None, None]


def held_bytes(shape: ModelShape, training: TrainingConfig, *, autocast: bool, mask: bool, fused: bool = False) -> int:
    """Bytes that autograd holds after a forward pass, the model's own weights left out."""
    model = model_of(shape, training, torch.bfloat16 if autocast and training.method in ADAPTERS else torch.float32)
    assert not fused or fuse_adapters(model) == 7 * shape.layers
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: weakref.WeakSet[Kept] = weakref.WeakSet()

    def keep(tensor: torch.Tensor) -> Kept:
        held = Kept(tensor)
        kept.add(held)
        return held

    given: Any = block_mask() if mask else None
    if mask and shape.architecture == "gemma3":
        given = {"full_attention": given, "sliding_attention": given}
    context = torch.autocast("cpu", torch.bfloat16) if autocast else nullcontext()
    with context, torch.autograd.graph.saved_tensors_hooks(keep, lambda held: held.tensor), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hidden = model.base_model(
            input_ids=torch.randint(0, shape.vocabulary, (1, TOKENS)), attention_mask=given, use_cache=False
        ).last_hidden_state
        gc.collect()
        found = {}
        for held in kept:
            storage = held.tensor.untyped_storage()
            if storage.data_ptr() not in own and TOKENS in held.tensor.shape:  # else a weight that autocast copied
                found[storage.data_ptr()] = storage.nbytes()
        del hidden
    return sum(found.values())


EVERY = [(family, settings) for family in ("llama", "gemma3") for settings in SETTINGS]
CASES = [(*case, True) for case in EVERY + [(family, one) for family in ("qwen2", "qwen3") for one in SETTINGS[::5]]]
CASES += [(family, SETTINGS[0], False) for family in SHAPES]


@pytest.mark.parametrize("autocast", [False, True], ids=["fp32", "bf16"])
@pytest.mark.parametrize(
    ("family", "settings", "mask"),
    CASES,
    ids=[f"{family}-{'-'.join(map(str, one.values()))}-{'mask' if mask else 'none'}" for family, one, mask in CASES],
)
def test_a_layer_keeps_what_is_reckoned(family: str, settings: dict[str, Any], autocast: bool, mask: bool) -> None:
    shape, training = SHAPES[family], TrainingConfig(rank=RANK, **settings)
    two = held_bytes(shape, training, autocast=autocast, mask=mask)
    three = held_bytes(replace(shape, layers=3), training, autocast=autocast, mask=mask)
    how = Arithmetic.of(training, "cuda" if autocast else "cpu", mask=mask, fused=False, liger=False)
    reckoned = layer_bytes(shape, training, learning_of(shape, training), how, TOKENS)
    assert three - two == pytest.approx(reckoned, rel=0.01)


@pytest.mark.parametrize("family", sorted(SHAPES))
def test_a_layer_fused_with_its_adapter_keeps_what_goes_in_once(family: str) -> None:
    shape, training = SHAPES[family], TrainingConfig(rank=RANK)
    two, three = (
        held_bytes(replace(shape, layers=layers), training, autocast=True, mask=False, fused=True) for layers in (2, 3)
    )
    how = Arithmetic.of(training, "cuda", liger=False)
    reckoned = layer_bytes(shape, training, learning_of(shape, training), how, TOKENS)
    assert three - two == pytest.approx(reckoned, rel=0.01)


def test_frozen_layers_below_what_learns_keep_nothing() -> None:
    training = TrainingConfig(method="partial", unfrozen=("layers.1",))
    learning = learning_of(LLAMA, training)
    how = Arithmetic.of(training, "cpu")
    kept = kept_bytes(LLAMA, training, learning, how, TOKENS, checkpointing=False)
    assert learning.lowest == 1
    assert kept == layer_bytes(LLAMA, training, learning, how, TOKENS)
