"""What makes a training fast on a card, taken where it is there and does not change what is learnt."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import torch

from allotment.errors import TrainingError
from allotment.training._device import Device
from allotment.training._methods import ADAPTERS
from allotment.training.worker._adapted import fuse_adapters
from allotment.training.worker._attention import use_packed_attention

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
"""What autocast computes in; in fp32 adapters are kept as they are computed."""
_LIGER = {"fused_linear_cross_entropy": False, "cross_entropy": False}
"""The loss is computed by ``_loss``."""


def use_fast_kernels(model: Any, settings: Mapping[str, Any], device: Device, precision: str) -> None:
    """Take the fastest kernels there are for a model that is ready to be trained.

    Args:
        model: with its adapter, if it gets one.
        settings: of the training.
        device: a card.
        precision: what is computed in.

    Raises:
        TrainingError: Liger is wanted and not installed.
    """
    if _liger(settings["liger"]):
        from transformers.integrations.liger import apply_liger_kernel

        apply_liger_kernel(model, _LIGER)
    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    if find_spec("flash_attn") is not None and precision != "fp32":
        whole.set_attn_implementation("flash_attention_2")
    elif settings["packing"]:
        use_packed_attention(whole, device.capability, precision)
    if settings["method"] in ADAPTERS and settings["sharding"] == "none" and not settings["compile"]:
        fuse_adapters(model, _DTYPES.get(precision))


def _liger(wanted: bool | str) -> bool:
    there = find_spec("liger_kernel") is not None
    if wanted is True and not there:
        raise TrainingError(
            "liger is not installed.",
            kind="configuration",
            element="training.liger",
            remedy="Install `liger-kernel`, or write `liger: auto`.",
        )
    return bool(wanted) and there
