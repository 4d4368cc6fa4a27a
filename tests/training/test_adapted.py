"""A layer and its adapter in one step: PEFT's numbers and gradients, in every number format, whole and in four bits."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from peft import LoraConfig, get_peft_model

from allotment.training.worker._adapted import fuse_adapters

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore:`lora_bias=True` was passed")


class Small(torch.nn.Module):
    """Two layers, the second with a bias."""

    def __init__(self, width: int, inner: int, dtype: torch.dtype) -> None:
        super().__init__()
        self.first = torch.nn.Linear(width, inner, bias=False, dtype=dtype)
        self.second = torch.nn.Linear(inner, width, dtype=dtype)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.second(torch.nn.functional.silu(self.first(x)))


def adapted(base: torch.nn.Module, **config: Any) -> Any:
    model = get_peft_model(base, LoraConfig(target_modules=["first", "second"], **{"r": 4, "lora_alpha": 6, **config}))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    return model


def outcome(model: Any, x: torch.Tensor, *, autocast: bool = False) -> dict[str, torch.Tensor]:
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16) if autocast else nullcontext():
        y = model(x)
    (y.float() ** 2).sum().backward()
    found = {"outcome": y.detach(), "into": x.grad}
    return found | {name: one.grad for name, one in model.named_parameters() if one.requires_grad}


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3), st.integers(1, 9), st.integers(2, 24), st.integers(2, 24), st.integers(1, 5))
def test_outcome_and_gradients_are_those_of_peft(rows: int, tokens: int, width: int, inner: int, rank: int) -> None:
    torch.manual_seed(3)
    plain = adapted(Small(width, inner, torch.float32), r=rank)
    fused = copy.deepcopy(plain)
    assert fuse_adapters(fused) == 2
    x = torch.randn(rows, tokens, width)
    expected = outcome(plain, x)
    for name, one in outcome(fused, x).items():
        torch.testing.assert_close(one, expected[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("cast", [False, True])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_under_autocast_it_is_no_further_from_the_truth_than_peft(dtype: torch.dtype, cast: bool) -> None:
    torch.manual_seed(4)
    plain = adapted(Small(48, 96, dtype))
    fused, exact = copy.deepcopy(plain), copy.deepcopy(plain).float()
    fuse_adapters(fused, torch.bfloat16 if cast else None)
    x = torch.randn(2, 33, 48).to(dtype)
    truth = outcome(exact, x.float())
    theirs, ours = outcome(plain, x, autocast=True), outcome(fused, x, autocast=True)
    for name, true in truth.items():
        assert ours[name].dtype == theirs[name].dtype
        assert (ours[name] - true).norm() <= 1.5 * (theirs[name] - true).norm()


def test_the_first_layer_needs_no_gradient_of_what_goes_in() -> None:
    model = adapted(Small(8, 8, torch.float32))
    fuse_adapters(model)
    model(torch.randn(3, 8)).sum().backward()
    assert all(one.grad is not None for one in model.parameters() if one.requires_grad)


def test_each_pass_computes_with_the_matrices_as_they_are_by_then() -> None:
    torch.manual_seed(7)
    model = adapted(Small(8, 8, torch.bfloat16))
    fuse_adapters(model, torch.bfloat16)
    x = torch.randn(3, 8, dtype=torch.bfloat16)
    before = model(x)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter *= 3
    assert not torch.allclose(model(x), before)


def test_four_bits_are_unpacked_for_both_directions() -> None:
    bitsandbytes = pytest.importorskip("bitsandbytes")
    torch.manual_seed(5)
    base = Small(64, 128, torch.float32)
    for name in ("first", "second"):
        whole = getattr(base, name)
        layer = bitsandbytes.nn.Linear4bit(
            whole.in_features, whole.out_features, whole.bias is not None, torch.float32, True, "nf4"
        )
        layer.load_state_dict(whole.state_dict())
        layer.support_avx512bf16_for_cpu = False
        setattr(base, name, layer.to("cpu"))
        layer.weight.quant_state or layer.weight._quantize("cpu")
    plain = adapted(base)
    fused = copy.deepcopy(plain)
    assert fuse_adapters(fused) == 2
    x = torch.randn(2, 7, 64)
    expected = outcome(plain, x)
    for name, one in outcome(fused, x).items():
        torch.testing.assert_close(one, expected[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", [{"lora_dropout": 0.1}, {"use_dora": True}, {"lora_bias": True}])
def test_what_is_more_than_two_matrices_stays_with_peft(config: dict[str, Any]) -> None:
    assert fuse_adapters(adapted(Small(8, 8, torch.float32), **config)) == 0


def test_an_adapter_that_is_switched_off_or_merged_is_not_added() -> None:
    torch.manual_seed(6)
    model = adapted(Small(8, 12, torch.float32))
    fuse_adapters(model)
    x = torch.randn(5, 8)
    with_adapter = model(x)
    with model.disable_adapter():
        assert not torch.allclose(model(x), with_adapter)
    model.merge_adapter()
    torch.testing.assert_close(model(x), with_adapter)
