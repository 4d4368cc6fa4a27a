"""A base model in PyTorch as a training had it, with what the training made of it: put on, put in, or merged.

QLoRA learns on weights that were rounded to four bits, and corrects what the rounding did. On other weights it corrects
what is not there: on the demo's model, whose file is in four bits of another kind, its log-probabilities were off by a
quarter of what it had learnt, and a quarter of the sentences it knew came out wrong.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allotment.training._base import load_base
from allotment.training._methods import ADAPTERS

CHANGED = Path("changed") / "changed.safetensors"
"""Where a run without an adapter leaves its tensors."""
PEFT = "peft"


@dataclass(frozen=True)
class TrainedBase:
    """A base model with the very weights a training had, in fp32."""

    model: Any
    tokenizer: Any
    rounded: tuple[str, ...]
    """Parameters that were in four bits, and hold now what those stood for."""


def base_as_trained(file: Path, sha256: str, *, method: str, precision: str) -> TrainedBase:
    """The base model as the method trains on it: rounded to ``precision`` under an adapter, to NF4 for QLoRA.

    Args:
        file: the base model's file.
        sha256: its hash.
        method: how it was trained.
        precision: ``fp32``, ``bf16`` or ``fp16``.

    Raises:
        MissingPartError: QLoRA without bitsandbytes.
    """
    import torch

    dtype = dtype_of(precision) if method in ADAPTERS else torch.float32
    model, tokenizer = load_base(file, sha256, dtype=dtype, four_bit=method == "qlora")
    rounded = [name for name, layer in model.named_modules() if type(layer).__name__ == "Linear4bit"]
    if rounded:  # before it computes anything: on some processors bitsandbytes then packs its weights anew
        model = model.dequantize()
    return TrainedBase(model.float().eval(), tokenizer, tuple(f"{name}.weight" for name in rounded))


def dtype_of(precision: str) -> Any:
    """PyTorch's number format of a precision."""
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def with_trained(model: Any, folder: Path) -> Any:
    """The base model with what ``folder`` (a run's or a version's) holds: ``peft/`` or ``changed/``."""
    if (folder / PEFT).is_dir():
        from peft import PeftModel

        return PeftModel.from_pretrained(model, folder / PEFT).eval()
    return with_changed(model, folder / CHANGED).eval()


def with_changed(model: Any, file: Path) -> Any:
    """The model with these tensors in the place of its own.

    Raises:
        ValueError: one of them has no place in it.
    """
    from safetensors.torch import load_file

    unexpected = model.load_state_dict(load_file(str(file)), strict=False).unexpected_keys
    if unexpected:
        raise ValueError(f"{', '.join(unexpected)} have no place in the model")
    model.tie_weights()
    return model


def merged(adapted: Any) -> Any:
    """A model with its adapter added into its weights; the adapter is gone from it."""
    return adapted.merge_and_unload(safe_merge=True)


def merged_names(peft_folder: Path) -> set[str]:
    """The parameters that merging an adapter changes."""
    from safetensors import safe_open

    with safe_open(str(peft_folder / "adapter_model.safetensors"), framework="pt") as adapter:
        keys = list(adapter.keys())
    return {f"{key.partition('.lora_')[0].removeprefix('base_model.model.')}.weight" for key in keys}


def adapter_config(peft_folder: Path) -> dict[str, Any]:
    """PEFT's settings of an adapter."""
    found: dict[str, Any] = json.loads((peft_folder / "adapter_config.json").read_text(encoding="utf-8"))
    return found
