"""The frozen base model as PyTorch weights, made once from its GGUF file and kept beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from filelock import FileLock

_WHOLE = "whole"


def fp32_bytes(gguf_bytes: int) -> float:
    """Size of a model's weights in fp32; a Q4_K_M file holds about 0.93 bytes a weight with this large a vocabulary."""
    return gguf_bytes / 0.93 * 4


def is_converted(file: Path, sha256: str) -> bool:
    """Whether the fp32 weights of a GGUF file are there."""
    return (_folder(file, sha256) / _WHOLE).exists()


def _folder(file: Path, sha256: str) -> Path:
    return file.with_name(f"{file.stem}.{sha256[:12]}.fp32")


def load_base(file: Path, sha256: str) -> tuple[Any, Any]:
    """Model in fp32 and tokenizer of a GGUF file.

    De-quantising and converting the tokenizer takes a minute; the result is kept in a folder named by the
    file's hash, and a folder that was not finished is made again.

    Args:
        file: the GGUF file.
        sha256: its hash.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = _folder(file, sha256)
    with FileLock(f"{folder}.lock"):
        if not is_converted(file, sha256):
            _convert(file, folder)
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32)
    return model, tokenizer


def _convert(file: Path, folder: Path) -> None:
    import torch
    from safetensors.torch import save_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    shutil.rmtree(folder, ignore_errors=True)
    source = {"gguf_file": file.name}
    AutoTokenizer.from_pretrained(str(file.parent), **source).save_pretrained(str(folder))
    model = AutoModelForCausalLM.from_pretrained(str(file.parent), dtype=torch.float32, **source)
    if hasattr(model.config, "quantization_config"):  # the weights are plain fp32 now
        del model.config.quantization_config
    model.config.save_pretrained(str(folder))
    save_model(model, str(folder / "model.safetensors"), metadata={"format": "pt"})
    (folder / _WHOLE).touch()
