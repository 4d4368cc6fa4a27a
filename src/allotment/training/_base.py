"""The base model as PyTorch weights: a Hugging Face folder, or made once from a GGUF file and kept beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from filelock import FileLock

from allotment.errors import MissingPartError

_WHOLE = "whole"


def fp32_bytes(gguf_bytes: int) -> float:
    """Size of a model's weights in fp32; a Q4_K_M file holds about 0.93 bytes a weight with this large a vocabulary."""
    return gguf_bytes / 0.93 * 4


def is_converted(file: Path, sha256: str) -> bool:
    """Whether the fp32 weights of a GGUF file are there."""
    return (_folder(file, sha256) / _WHOLE).exists()


def _folder(file: Path, sha256: str) -> Path:
    return file.with_name(f"{file.stem}.{sha256[:12]}.fp32")


def load_base(file: Path, sha256: str, *, dtype: Any = None, four_bit: bool = False) -> tuple[Any, Any]:
    """Model and tokenizer of a GGUF file or of a Hugging Face folder.

    De-quantising a GGUF file and converting its tokenizer takes a minute; the result is kept in a folder named by the
    file's hash, and a folder that was not finished is made again.

    Args:
        file: the GGUF file, or the folder with ``config.json``.
        sha256: the GGUF file's hash.
        dtype: of the weights; fp32 if none.
        four_bit: quantise linear layers to NF4 with bitsandbytes; ``dtype`` is what they compute in.

    Raises:
        MissingPartError: four bits are wanted and bitsandbytes is not installed.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = weights_folder(file, sha256)
    dtype = dtype or torch.float32
    quantised = {"quantization_config": _nf4(dtype)} if four_bit else {}
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    model = AutoModelForCausalLM.from_pretrained(str(folder), dtype=dtype, **quantised)
    for layer in model.modules() if four_bit else ():
        if type(layer).__name__ == "Linear4bit":  # else a processor with bf16 rounds the scales anew at its first use
            layer.support_avx512bf16_for_cpu = False
    return model, tokenizer


def weights_folder(file: Path, sha256: str) -> Path:
    """The folder that transformers loads; made now from a GGUF file that was not converted yet."""
    if file.is_dir():
        return file
    folder = _folder(file, sha256)
    with FileLock(f"{folder}.lock"):
        if not is_converted(file, sha256):
            _convert(file, folder)
    return folder


def _nf4(dtype: Any) -> Any:
    from importlib.util import find_spec

    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise MissingPartError(
            "QLoRA needs bitsandbytes.",
            element="training.method",
            remedy="Install it: `pip install 'allotment[qlora]'`.",
        )
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )


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
