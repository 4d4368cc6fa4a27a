"""Attention within bounds: what each family computes with it is what a mask gives, packed and filled up."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from allotment.training._packing import bounds_of, end_to_end, filled_up
from allotment.training.worker import _attention
from allotment.training.worker._attention import NAME, use_packed_attention
from allotment.training.worker._loss import give_answer_loss

FAMILIES = ("llama", "qwen2", "qwen3", "mistral", "gemma3_text")
LENGTHS = (13, 1, 30, 22)
HOPPER = (9, 0)


def one_by_one(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    starts: torch.Tensor,
    key_starts: torch.Tensor,
    longest: int,
    longest_key: int,
    *,
    scale: float,
    window_size: tuple[int, int],
) -> torch.Tensor:
    """What the card's kernel computes, for a processor, which has no such kernel."""
    assert longest == longest_key == int(starts.diff().max())
    assert torch.equal(starts, key_starts)
    found = []
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        place = torch.arange(end - start)
        behind = place[:, None] - place
        seen = (behind >= 0) & ((behind <= window_size[0]) | (window_size[0] < 0))
        rows = [one[start:end].transpose(0, 1)[None] for one in (query, key, value)]
        out = torch.nn.functional.scaled_dot_product_attention(*rows, attn_mask=seen, scale=scale, enable_gqa=True)
        found.append(out[0].transpose(0, 1))
    return torch.cat(found)


def small(family: str, **settings: Any) -> Any:
    config = AutoConfig.for_model(
        family,
        num_hidden_layers=2,
        hidden_size=32,
        intermediate_size=48,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        vocab_size=60,
        **({"sliding_window": 9} if family in ("mistral", "gemma3_text") else {}),
        **settings,
    )
    torch.manual_seed(8)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="sdpa")
    give_answer_loss(model)
    return model


def rows() -> list[tuple[torch.Tensor, torch.Tensor]]:
    torch.manual_seed(9)
    return [(ids, ids) for ids in (torch.randint(0, 60, (length,)) for length in LENGTHS)]


def gradients(model: Any, batch: dict[str, Any]) -> list[torch.Tensor]:
    model.zero_grad()
    loss = model(**batch)["loss"]
    loss.backward()
    return [loss.detach(), *(one.grad for one in model.parameters() if one.grad is not None)]


@pytest.mark.parametrize("family", FAMILIES)
def test_loss_and_gradients_are_those_of_a_mask(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_attention, "_kernel", lambda: one_by_one)
    model = small(family)
    packed, filled = end_to_end(rows()) | bounds_of(LENGTHS, "cpu"), filled_up(rows(), 0)
    expected = [gradients(model, packed), gradients(model, filled)]
    assert use_packed_attention(model, HOPPER, "bf16")
    assert model.config._attn_implementation == NAME
    for batch, wanted in zip((packed, filled), expected, strict=True):
        for one, other in zip(gradients(model, batch), wanted, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_model_that_loses_the_bounds_on_the_way_lets_examples_see_each_other_and_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The check at the start of each run compares these two losses."""
    monkeypatch.setattr(_attention, "_kernel", lambda: one_by_one)
    model = small("llama")
    use_packed_attention(model, HOPPER, "bf16")
    with torch.no_grad():
        together = float(model(**end_to_end(rows()))["loss"])
        alone = sum(float(model(**end_to_end([row]))["loss"]) for row in rows())
    assert together != pytest.approx(alone, rel=1e-4)


@pytest.mark.parametrize(
    ("family", "settings", "capability", "precision"),
    [
        ("llama", {}, None, "bf16"),
        ("llama", {}, (7, 5), "fp16"),
        ("llama", {}, HOPPER, "fp32"),
        ("gemma3_text", {"attn_logit_softcapping": 50.0}, HOPPER, "bf16"),
    ],
)
def test_what_the_kernel_cannot_do_is_left_to_a_mask(
    family: str, settings: dict[str, Any], capability: tuple[int, int] | None, precision: str
) -> None:
    model = small(family, **settings)
    assert not use_packed_attention(model, capability, precision)
    assert model.config._attn_implementation == "sdpa"


def test_pytorch_here_has_the_kernel() -> None:
    assert _attention._kernel() is not None
