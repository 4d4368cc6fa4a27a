"""A base model in PyTorch with what a training made of it: an adapter put on it, changed tensors put in, or merged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CHANGED = Path("changed") / "changed.safetensors"
"""Where a run without an adapter leaves its tensors."""
PEFT = "peft"


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


def merged_tensors(model: Any, peft_folder: Path) -> dict[str, Any]:
    """The tensors of a merged model that its adapter changed, by parameter name."""
    from safetensors import safe_open

    with safe_open(str(peft_folder / "adapter_model.safetensors"), framework="pt") as adapter:
        modules = {key.partition(".lora_")[0].removeprefix("base_model.model.") for key in adapter.keys()}  # noqa: SIM118
    weights = model.state_dict()
    return {f"{module}.weight": weights[f"{module}.weight"].contiguous() for module in sorted(modules)}


def adapter_config(peft_folder: Path) -> dict[str, Any]:
    """PEFT's settings of an adapter."""
    found: dict[str, Any] = json.loads((peft_folder / "adapter_config.json").read_text(encoding="utf-8"))
    return found
