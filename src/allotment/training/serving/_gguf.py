"""A PEFT adapter as a GGUF adapter for llama.cpp, which counts it ``alpha / rank``."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from allotment.errors import TrainingError
from allotment.training.serving._gguf_file import GgufFile
from allotment.training.serving._gguf_layout import GgufLayout

_PREFIX = "base_model.model."


def export_gguf(peft_folder: Path, base_file: Path, target: Path) -> int:
    """Write ``target`` from the adapter in ``peft_folder``; returns how many tensors it holds.

    Raises:
        TrainingError: the adapter or the base model's architecture has no such form, or a tensor no name in it.
    """
    import gguf
    from safetensors.numpy import load_file

    config = json.loads((peft_folder / "adapter_config.json").read_text(encoding="utf-8"))
    _refuse(config, peft_folder)
    layout = GgufLayout.of(GgufFile.of(base_file))
    tensors = load_file(peft_folder / "adapter_model.safetensors")
    writer = gguf.GGUFWriter(target, layout.architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", _alpha(config))
    for key, tensor in sorted(tensors.items()):
        writer.add_tensor(*_converted(key, tensor.astype("float32"), layout))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return len(tensors)


def _alpha(config: Mapping[str, Any]) -> float:
    """The alpha that gives llama.cpp the scale of PEFT; rsLoRA counts ``alpha / sqrt(rank)`` (arXiv 2312.03732)."""
    alpha = float(config["lora_alpha"])
    return alpha * math.sqrt(config["r"]) if config.get("use_rslora") else alpha


def _refuse(config: Mapping[str, Any], folder: Path) -> None:
    """What changes more than ``B·A`` added to a linear layer at one scale cannot be said in a GGUF adapter."""
    faults = {
        "magnitudes (DoRA)": config.get("use_dora"),
        "modules_to_save": config.get("modules_to_save"),
        "biases": config.get("bias", "none") != "none" or config.get("lora_bias"),
        "ranks or alphas by layer": config.get("rank_pattern") or config.get("alpha_pattern"),
        "a base it changed": isinstance(kind := config.get("init_lora_weights", True), str) and kind != "gaussian",
    }
    found = [name for name, is_there in faults.items() if is_there]
    if found:
        raise TrainingError(
            f"an adapter with {', '.join(found)} cannot be a GGUF adapter.",
            kind="configuration",
            element=str(folder),
            remedy="Serve it merged, as a model of the agent's own.",
        )


def _converted(key: str, tensor: Any, layout: GgufLayout) -> tuple[str, Any]:
    """Name and rows of one matrix: A reads the layer's input as it is, B writes its output rows."""
    module, _, side = key.removeprefix(_PREFIX).removesuffix(".weight").rpartition(".")
    name = layout.name_of(f"{module}.weight")
    if name is None or side not in ("lora_A", "lora_B"):
        raise TrainingError("the tensor has no place in a GGUF adapter.", kind="configuration", element=key)
    return f"{name}.{side.lower()}", layout.ordered(name, tensor) if side == "lora_B" else tensor
