"""A PEFT adapter as a GGUF adapter for llama.cpp.

Names come from the ``gguf`` package's tensor-name map. Llama-family models permute their q and k rows in
GGUF; only architectures known not to are accepted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from allotment.errors import TrainingError

_UNPERMUTED = ("gemma3", "gemma2", "gemma", "qwen2", "qwen3")
_PREFIX = "base_model.model."


def export_gguf(peft_folder: Path, base_file: Path, target: Path, *, alpha: float) -> int:
    """Write ``target`` from the adapter in ``peft_folder``; returns how many tensors it holds.

    Raises:
        TrainingError: the base model's architecture is not supported, or a tensor has no name in GGUF.
    """
    import gguf
    from safetensors.numpy import load_file

    architecture = str(gguf.GGUFReader(base_file).fields["general.architecture"].contents())
    if architecture not in _UNPERMUTED:
        raise TrainingError(
            f"adapters for the architecture {architecture!r} cannot be exported yet.",
            kind="configuration",
            element=str(base_file),
            remedy=f"Use one of: {', '.join(_UNPERMUTED)}.",
        )
    tensors = load_file(peft_folder / "adapter_model.safetensors")
    number = {name: key for key, name in gguf.MODEL_ARCH_NAMES.items()}[architecture]
    names = gguf.get_tensor_name_map(number, 1 + max(_layer(key) for key in tensors))
    writer = gguf.GGUFWriter(target, architecture)
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(alpha))
    for key, tensor in sorted(tensors.items()):
        writer.add_tensor(_gguf_name(key, names), tensor.astype("float32"))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return len(tensors)


def _layer(key: str) -> int:
    return int(key.split(".layers.")[1].split(".")[0])


def _gguf_name(key: str, names: Any) -> str:
    module, _, side = key.removeprefix(_PREFIX).removesuffix(".weight").rpartition(".")
    name = names.get_name(module)
    if name is None or side not in ("lora_A", "lora_B"):
        raise TrainingError("the tensor has no place in a GGUF adapter.", kind="configuration", element=key)
    return f"{name}.weight.{side.lower()}"
